"""PGN: games are cut, replayed and certified; what is illegal or broken costs its own game only."""

import dataclasses
import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.document import Document, Quarantined, Skipped
from data.inputs import InputFile
from data.sources.reasoning import game_records, pgn

MATE = (
    '[Event "Club"]\n[Site "?"]\n[Date "2020.05.??"]\n[White "A"]\n[Black "B"]\n[WhiteElo "1500"]\n[Result "0-1"]\n\n'
    "1. f3 {weak [%clk 0:01:00]} e5 2. g4 (2. e4 Nc6 (2... Nf6)) 2... Qh4# $4 0-1\n\n"
)


def read(make_input, text, name="a.pgn"):
    return list(pgn.read(make_input(name, text if isinstance(text, bytes) else text.encode())))


def test_text_and_meta_of_a_game(make_input):
    (game,) = read(make_input, MATE)
    assert game.text == (
        "A game of chess\nWhite: A (1500)\nBlack: B\nEvent: Club\nDate: 2020.05\n\n"
        "1. f3 e5 2. g4 Qh4#\n\nResult: 0-1, Black wins"
    )
    assert game.source == "game_records:a.pgn#0"
    assert game.meta["white_elo"] == 1500 and game.meta["result"] == "0-1"
    assert game.meta["certificate"]["plies"] == 4
    assert game.meta["certificate"]["final"] == "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3"


def test_certificates_hold_and_a_changed_move_breaks_them(make_input):
    (game,) = read(make_input, MATE)
    assert game_records.verify(game)
    for old, new in (("g4", "g3"), ("Qh4#", "Qxh4#"), ("1. f3 e5 2. g4 Qh4#", "1. f3 e5 2. g4"), ("e5", "--")):
        assert not game_records.verify(dataclasses.replace(game, text=game.text.replace(old, new)))
    assert not game_records.verify(dataclasses.replace(game, meta={}))
    proof = {**game.meta["certificate"], "final": game.meta["certificate"]["start"]}
    assert not game_records.verify(dataclasses.replace(game, meta={"certificate": proof}))


@pytest.mark.parametrize(
    ("moves", "evidence"),
    [
        ("1. e4 e5 2. Ke3 *", "ply 3 (2. Ke3)"),
        ("1. Nf3 d5 2. Nc3 d4 3. Nd5 a6 4. Nb5 *", "ply 7 (4. Nb5)"),
        ("1. Nc3 a6 2. Nf3 a5 3. Ne4 a4 4. Ng5 Ra5 5. Nf3 *", "ambiguous"),
        ("1. e4 -- 2. d4 *", "a null move"),
        ("1. e4 Z0 2. d4 *", "a null move"),
        ("1. e4 0000 2. d4 *", "a null move"),
        ("1. e4 e5 2. Qz9 *", "ply 3 (2. Qz9)"),
        ("1. e4 e5 1-0 2. d4", "after the result"),
    ],
)
def test_illegal_games_are_quarantined_alone(make_input, moves, evidence):
    text = f'[Event "x"]\n\n{moves}\n\n{MATE}'
    broken, game = read(make_input, text)
    assert isinstance(broken, Quarantined) and broken.reason == "illegal_move" and evidence in broken.evidence
    assert broken.num_bytes + len(MATE) == len(text)
    assert 0 < broken.offset < broken.num_bytes
    assert isinstance(game, Document) and game.source.endswith("#1")


def test_every_game_of_a_file_is_one_item(make_input):
    text = MATE + '[Event "empty"]\n[Result "*"]\n\n*\n\n' + '[Event "y"]\n[Variant "Janggi"]\n\n1. e4 *\n\n' + MATE
    items = read(make_input, text)
    assert [type(item) for item in items] == [Document, Skipped, Skipped, Document]
    assert [item.reason for item in items[1:3]] == ["no_moves", "unsupported_variant"]
    assert items[1].offset == len(MATE)


def test_variants_follow_their_own_rules(make_input):
    text = '[Variant "Crazyhouse"]\n\n1. e4 d5 2. exd5 Qxd5 3. Nc3 Qa5 4. @d5 Nf6 *\n'
    (game,) = read(make_input, text)
    assert game.meta["certificate"]["variant"] == "crazyhouse"
    assert game.text.startswith("A game of crazyhouse\n") and "4. @d5 Nf6" in game.text
    assert game_records.verify(game)
    fen = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR b KQkq - 0 7"
    (game,) = read(make_input, f'[FEN "{fen}"]\n[SetUp "1"]\n\n7... e5 8. d4 *\n')
    assert "7... e5 8. d4" in game.text and f"Start: {fen}" in game.text
    start = "4k3/p7/8/8/8/8/8/5KR1 w G - 0 1"
    (game,) = read(make_input, f'[Variant "Chess960"]\n[FEN "{start}"]\n\n1. O-O a5 *\n')
    assert game.meta["certificate"]["chess960"] and game_records.verify(game)


def test_a_position_that_cannot_be(make_input):
    (item,) = read(make_input, '[FEN "8/8/8/8/8/8/8/8 w - - 0 1"]\n\n1. e4 *\n')
    assert item.reason == "bad_position"


def test_comments_may_hold_tags_and_blank_lines(make_input):
    text = (
        '[Event "x"]\n\n1. e4 { a long\n\n[%clk 0:00:53] [Event "no"] text } e5 ; rest { of line\n% escape'
        " {\n2. d4 *\n\n" + MATE
    )
    first, second = read(make_input, text)
    assert "1. e4 e5 2. d4" in first.text and second.meta["event"] == "Club"


def test_remarks_after_the_result_belong_to_the_game(make_input):
    first, second = read(make_input, '[Event "x"]\n\n1. e4 1-0\n{White wins}\n; so there\n\n1. d4 *\n')
    assert "1. e4\n\nResult: 1-0" in first.text and "1. d4" in second.text


def test_an_open_comment_ends_at_the_next_game(make_input):
    first, second = read(make_input, '[Event "x"]\n\n1. e4 { never closed\n\n' + MATE)
    assert first.reason == "truncated" and isinstance(second, Document)
    (item,) = read(make_input, '[Event "x"]\n\n1. e4 e5 (2. d4')
    assert item.reason == "truncated"


def test_encodings(make_input):
    line = '[White "Müller"]\n\n1. e4 *\n'
    for data in (line.encode(), b"\xef\xbb\xbf" + line.encode(), line.encode("cp1252"), line.encode("utf-16")):
        (game,) = read(make_input, data)
        assert game.meta["white"] == "Müller"
    assert read(make_input, gzip.compress(line.encode()), "b.pgn.gz")[0].source == "game_records:b.pgn.gz#0"


def test_several_tags_a_line_and_broken_tags(make_input):
    (game,) = read(make_input, '[White "A \\"the\\" B"] [Black "C"]\n[Event "back\\"]\n[Site "no end\n\n1. e4 *\n')
    assert (game.meta["white"], game.meta["black"], game.meta["site"]) == ('A "the" B', "C", "no end")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02\x03" * 100, "binary"),
        (b"<html><body>not chess</body></html>", "unknown_layout"),
        (b'[Event "x"]\n\n' + b"{" + b"a" * (3 << 20) + b"}\n*\n", "too_long"),
        (gzip.compress(MATE.encode() * 50)[:-30], "truncated"),
    ],
)
def test_hostile_files(make_input, data, reason):
    items = read(make_input, data)
    assert items[-1].reason == reason and items[-1].path == "a.pgn"


def test_samples(samples, input_files):
    folder = samples("reasoning/game_records")
    games = {file.name: list(pgn.read(file)) for file in input_files(folder / "*.pgn")}
    items = [item for found in games.values() for item in found]
    documents = [item for item in items if isinstance(item, Document)]
    assert len(documents) >= 8 and all(map(game_records.verify, documents))
    assert {type(item) for item in games["utf8-bom.pgn"]} == {Skipped}
    assert len(games["kasparov-deep-blue-1997.pgn"]) == 6
    (null_move,) = games["anastasian-lewis.pgn"]
    assert null_move.reason == "illegal_move" and "41... Z0" in null_move.evidence
    (crazyhouse,) = games["knightvuillaume-jannlee-zh-lichess.pgn"]
    assert crazyhouse.text.endswith("24. gxf4 Qdd1#\n\nResult: 0-1, Black wins") and "clk" not in crazyhouse.text


PIECES = st.sampled_from(
    [
        "1.",
        "e4",
        "e5",
        "Nf3",
        "{",
        "}",
        "(",
        ")",
        ";",
        "%",
        "\n",
        "\n\n",
        '[Event "x"]\n',
        "1-0",
        "*",
        "$1",
        '"',
        "[",
        "\\",
    ]
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=40).map(lambda parts: " ".join(parts).encode())))
def test_any_bytes_give_items(tmp_path, data):
    path = tmp_path / "f.pgn"
    path.write_bytes(data)
    for item in pgn.read(InputFile(str(path), str(tmp_path), len(data))):
        assert isinstance(item, (Document, Quarantined, Skipped))
        if isinstance(item, Document):
            assert game_records.verify(item)
