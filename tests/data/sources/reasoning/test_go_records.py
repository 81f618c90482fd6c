"""SGF: collections in every encoding, main lines replayed by the rules of Go."""

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile
from data.sources.reasoning import game_records, go_moves, sgf, sgf_encodings

GAME = "(;GM[1]FF[4]SZ[9]PB[A]PW[B]BR[3d]KM[6.5]RE[B+3.5]C[a \\] b];B[ee];W[gc](;B[cc];W[])(;B[gg]))"


def read(make_input, text, name="a.sgf"):
    return list(sgf.read(make_input(name, text if isinstance(text, bytes) else text.encode())))


def test_text_and_meta_of_a_game(make_input):
    (game,) = read(make_input, GAME)
    assert game.text == (
        "A game of Go on a board of 9 by 9\nBlack: A (3d)\nWhite: B\nKomi: 6.5\n\n"
        "1. B E5 2. W G7 3. B C7 4. W pass\n\nResult: B+3.5, Black wins by 3.5 points"
    )
    assert game.source == "game_records:a.sgf#0"
    assert game.meta["black_rank"] == "3d" and game.meta["certificate"]["plies"] == 4


def test_certificates_hold_and_a_changed_move_breaks_them(make_input):
    (game,) = read(make_input, GAME)
    assert game_records.verify(game)
    for old, new in (("E5", "E6"), ("G7", "E5"), ("4. W pass", ""), ("2. W", "2. B"), ("3. B", "7. B")):
        assert not game_records.verify(dataclasses.replace(game, text=game.text.replace(old, new)))
    proof = {**game.meta["certificate"], "size": 13}
    assert not game_records.verify(dataclasses.replace(game, meta={"certificate": proof}))


@pytest.mark.parametrize(
    ("moves", "evidence"),
    [
        (";B[aa];W[aa]", "occupied"),
        (";B[ba];W[ii];B[ab];W[aa]", "suicide"),
        (";B[ba];W[ca];B[ab];W[bb];B[ii];W[aa];B[ba]", "ko"),
        (";B[aa];B[bb]", "same side twice"),
        (";B[zz]", "no point"),
        (";B[aa];W[bb]AB[cc]", "set up after"),
        (";B[aa]W[bb]", "both sides"),
    ],
)
def test_illegal_games_are_quarantined_alone(make_input, moves, evidence):
    text = f"(;SZ[9]{moves})\n{GAME}"
    broken, game = read(make_input, text)
    assert isinstance(broken, Quarantined) and broken.reason == "illegal_move" and evidence in broken.evidence
    assert broken.num_bytes == len(text) - len(GAME) - 1
    assert isinstance(game, Document)


def test_a_ko_may_be_taken_back_later(make_input):
    line = ";B[ba];W[ca];B[ab];W[bb];B[ii];W[aa];B[hh];W[gg];B[ba]"
    (game,) = read(make_input, f"(;SZ[9]{line})")
    assert game_records.verify(game)


def test_suicide_is_legal_where_rules_allow_it(make_input):
    line = ";B[ba];W[ii];B[bb];W[hh];B[ac];W[aa];B[ih];W[ab]"
    assert read(make_input, f"(;SZ[9]{line})")[0].reason == "illegal_move"
    (game,) = read(make_input, f"(;SZ[9]RU[NZ]{line})")
    assert game_records.verify(game)


def test_captures_leave_the_board():
    board = go_moves.replay(go_moves.Setup(9), [("b", (0, 1)), ("w", (0, 0)), ("b", (1, 0))])
    assert board.get(0, 0) is None and board.get(0, 1) == "b"


def test_setup_handicap_and_ranges(make_input):
    (game,) = read(make_input, "(;SZ[9]HA[2]AB[cc:dd]AW[gg];W[ee])")
    assert "Black stones: C6 D6 C7 D7" in game.text and "White stones: G3" in game.text
    assert game_records.verify(game)
    (game,) = read(make_input, "(;SZ[9]HA[3];B[cc];B[gg];B[cg];W[ee])")
    assert game.meta["certificate"]["handicap"] == 3 and game_records.verify(game)
    assert read(make_input, "(;SZ[9]AB[aa]AW[ba][ab];B[ee])")[0].reason == "bad_position"


def test_old_names_with_small_letters(make_input):
    (game,) = read(make_input, "(;GaMe[1]SiZe[9]PlayerBlack[Honinbo];Black[ee];White[cc])")
    assert game.meta["black"] == "Honinbo" and "1. B E5 2. W C7" in game.text


def test_what_is_no_go_game_is_skipped(make_input):
    items = read(make_input, "(;GM[2]SZ[8];B[aa])(;SZ[9:13];B[aa])(;SZ[9]AB[aa])")
    assert [item.reason for item in items] == ["not_go", "not_square", "no_moves"]


@pytest.mark.parametrize(
    ("name", "declared", "codec"),
    [
        ("古力 柯洁", "GB2312", "gb18030"),
        ("表 十段", "Shift_JIS", "cp932"),  # second bytes 0x5C and 0x69
        ("이창호", "EUC-KR", "cp949"),
        ("許功蓋", "Big5", "big5"),  # second bytes 0x5C
        ("Müller", "ISO-8859-1", "latin-1"),
        ("井山", "UTF-8", "utf-8"),
    ],
)
def test_declared_encodings(make_input, name, declared, codec):
    (game,) = read(make_input, f"(;CA[{declared}]SZ[9]PB[{name}];B[ee])".encode(codec))
    assert game.meta["black"] == name


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("常昊 马晓春", "gb18030"),
        ("石田芳夫 対 趙治勲", "cp932"),
        ("이창호 조훈현", "cp949"),
        ("李昌鎬 趙治勳", "big5"),
        ("Müller André", "cp1252"),
    ],
)
def test_undeclared_encodings_are_guessed(name, codec):
    data = f"(;SZ[9]PB[{name}];B[ee])".encode(codec)
    assert name in sgf_encodings.decode(data, sgf_encodings.codec_of(data))


def test_byte_order_marks_and_offsets(make_input):
    text = "(;SZ[9]PB[井山];B[ee];W[ee])\n" + GAME
    for codec, unit in (("utf-16", 2), ("utf-8-sig", 1)):
        broken, game = read(make_input, text.encode(codec))
        assert broken.offset == len("".encode(codec)) and broken.num_bytes % unit == 0
        assert isinstance(game, Document)
    assert read(make_input, text.encode("utf-16-le"))[0].reason == "illegal_move"


def test_a_wrong_declaration_is_undecodable(make_input):
    (item,) = read(make_input, "(;CA[Shift_JIS]PB[\ufffd\ufffd];B[pd])".encode())
    assert item.reason == "undecodable"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello", "unknown_layout"),
        (b"(;SZ[9];B[aa]", "malformed"),
        (b"(;B[(;B[(;B[", "malformed"),
        (b"(;[aa])", "malformed"),
        (b"\x00(;\x00\x00", "binary"),
        (b"(;SZ[99];B[aa])", "bad_position"),
        (b"(;SZ[52]" + b"AB" + b"[aa:ZZ]" * 9000 + b";B[aa])", "bad_position"),
        (b"(" * 100_000 + b";", "malformed"),
    ],
)
def test_hostile_files(make_input, data, reason):
    (item,) = read(make_input, data)
    assert item.reason == reason and item.path == "a.sgf"


def test_a_broken_tree_costs_only_itself(make_input):
    broken, game = read(make_input, f"(;SZ[9] !! ;B[aa])\n{GAME}")
    assert broken.reason == "malformed" and broken.offset == 8 and isinstance(game, Document)


def test_samples(samples, input_files):
    folder = samples("reasoning/game_records") / "sgf"
    found = {file.name: list(sgf.read(file)) for file in input_files(folder)}
    documents = [item for items in found.values() for item in items if isinstance(item, Document)]
    assert len(documents) >= 5 and all(map(game_records.verify, documents))
    assert found["chinese.sgf"][0].meta["black"] == "古力"
    assert found["japanese.sgf"][0].meta["black"] == "井山 裕太"
    assert found["japanese_bad.sgf"][0].reason == "undecodable"
    assert found["no-ca.sgf"][0].meta["encoding"] == "gb18030"
    assert found["utf16le.sgf"][0].meta["certificate"]["plies"] == 164


PARTS = st.sampled_from(
    ["(", ")", ";", "B[aa]", "W[bb]", "B[]", "SZ[9]", "C[x\\]]", "[", "]", "GM[1]", "AB[cc:dd]", " ", "\n", "\\", "B"]
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.binary(max_size=300), st.lists(PARTS, max_size=40).map(lambda parts: ("(;" + "".join(parts)).encode()))
)
def test_any_bytes_give_items(tmp_path, data):
    path = tmp_path / "f.sgf"
    path.write_bytes(data)
    for item in sgf.read(InputFile(str(path), str(tmp_path), len(data))):
        assert isinstance(item, (Document, Quarantined, Skipped))
        if isinstance(item, Document):
            assert game_records.verify(item)
