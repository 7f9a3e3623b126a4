"""Names of files and classes in tables and on disks."""

import csv

from data_prework.names import as_text, file_name, from_text, plain_name, printable

ODD = ["a\rb", "a\nb", "a\tb", "\x1b[31m", "a\u202egpj", "caf\udce9", "a\x85b", "\u2028"]


def test_signs_that_cannot_be_seen_are_escaped_and_all_others_stay():
    for name in ODD:
        assert printable(name).isprintable() and printable(name).encode()
        assert plain_name(name).isprintable() and plain_name(name).encode()
    for name in ['quote"s', "comma, name", "é", "日本", " lead", "=cmd", "नमस्ते"]:
        assert printable(name) == plain_name(name) == name


def test_a_row_of_odd_names_is_one_row(tmp_path):
    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerow([as_text(printable(name)) for name in ODD])
    assert len((tmp_path / "a.csv").read_bytes().splitlines()) == 1


def test_formulas_become_text_and_come_back():
    for name in ("=cmd", "-1", "+1", "@home", "'=x", "plain", "it's"):
        assert as_text(name)[0] not in "=+-@"
        assert from_text(as_text(name)) == name


def test_long_names_are_cut_to_what_disks_take():
    assert file_name("a" * 246, ".jpg") == "a" * 246 + ".jpg"
    assert len(file_name("日" * 200, ".jpg").encode()) <= 250
