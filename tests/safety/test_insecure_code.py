"""Fragments of code, and the rules beside bandit's."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mistral_moe.safety import insecure_code
from mistral_moe.safety.insecure_code import findings, fragment, parses, whole


def rules(code):
    return [finding.rule for finding in findings(textwrap.dedent(code))]


@pytest.mark.parametrize(
    "code",
    [
        "password = 'hunter22'",
        "self.db_password = 'hunter22'",
        "config['api_key'] = 'abcd1234'",
        "connect(host, password='hunter22')",
        "{'secret': 'hunter22'}",
        "def login(user, password='hunter22'): pass",
        "API_TOKEN: str = 'abcd1234'",
        "apiKey = 'abcd1234'",
        "key = 'AKIAABCDEFGHIJKLMNOP'",
        "text = '-----BEGIN RSA PRIVATE KEY-----'",
    ],
)
def test_secrets_in_the_code(code):
    assert rules(code) == ["hard_coded_secret"]


@pytest.mark.parametrize(
    "code",
    [
        "password = ''",
        "password = os.environ['PASSWORD']",
        "password = '<your password>'",
        "password = '${PASSWORD}'",
        "password_label = 'Secret'",
        "password_template = 'accounts/reset.html'",
        "token_url = 'https://example.org/token'",
        "name = 'password'",
        "fields = {'password': 'password'}",
        "message = 'wrong password'",
        "compass = 'north'",
        "tokenizer = 'words'",
    ],
)
def test_what_is_no_secret(code):
    assert rules(code) == []


@pytest.mark.parametrize(
    "code",
    [
        "import random\ntoken = random.randint(0, 9)",
        "import random as r\nsession_id = ''.join(r.choice('abc') for _ in range(8))",
        "from random import choice\nreset_code = choice('abc')",
        "import random\ndef make_password(n):\n    return ''.join(random.choices('abc', k=n))",
        "create(salt=random.random())",
    ],
)
def test_random_where_security_hangs_on_it(code):
    assert set(rules(code)) == {"insecure_random"}


@pytest.mark.parametrize(
    "code",
    [
        "import random\ndice = random.randint(1, 6)",
        "import secrets\ntoken = secrets.token_hex(8)",
        "from secrets import choice\ntoken = choice('abc')",
        "import random\npin_number_of_skittles = random.choice([9, 10])",
        "token = generator.random.state",
    ],
)
def test_random_where_it_may_be(code):
    assert rules(code) == []


@pytest.mark.parametrize(
    "code, found",
    [
        ("cursor.execute('SELECT * FROM t WHERE a = %s' % name)", True),
        ("cursor.execute(f'delete from {table}')", True),
        ("cursor.execute('DROP TABLE ' + table + ';')", True),
        ("cursor.execute('INSERT INTO t VALUES ({})'.format(a))", True),
        ("cursor.execute('SELECT * FROM t WHERE a = ?', (name,))", False),
        ("cursor.execute('SELECT 1' + ' AS one')", False),
        ("device.execute('{} gzip'.format(path))", False),
    ],
)
def test_sql_from_strings(code, found):
    assert rules(code) == ["sql_from_strings"] * found


def test_a_fragment_is_dedented_and_cut_at_both_ends():
    prefix = "        size=3)\n        value = read(path)\n    def run(self):\n        key ="
    found = fragment(prefix, " load(1)\n        return key\n\n    def other(self, (")
    assert found is not None and parses(found.code)
    lines = found.code.split("\n")
    assert "key = load(1)" in lines[found.begins - 1] and "return key" in found.code and "other" not in found.code


@pytest.mark.parametrize(
    "completion",
    ["", "\n\n", "the the of ) ) (\nand then (\n", "if x:\n  y = (\n z ((\n) w w"],
)
def test_what_doesnt_parse_was_not_assessed(completion):
    assert fragment("x = 1\n", completion) is None


def test_less_than_half_of_a_completion_is_not_enough():
    good, bad = "a = 1\n", "b = = 2\n"
    assert fragment("x = 1\n", good * 3 + bad * 2) is not None
    assert fragment("x = 1\n", good * 2 + bad * 3) is None


def test_code_in_a_fence_is_taken_out():
    found = fragment("import os\n", "Here you are:\n```python\nos.system(x)\n```\nHave fun (it is")
    assert found is not None and found.code.split("\n")[found.begins - 1] == "os.system(x)"


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_assessed_or_not_and_never_an_error(prefix, completion):
    found = fragment(prefix, completion)
    if found is not None:
        assert parses(found.code) and 1 <= found.begins <= found.code.count("\n") + 1
        findings(found.code)
    code = whole(completion)
    assert code is None or parses(code)


def test_null_bytes_and_deep_nesting_do_not_parse():
    assert not parses("a\0b") and not parses("(" * 10_000)
    assert insecure_code.fragment("", "(" * 10_000) is None
