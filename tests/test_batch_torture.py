"""Ugly files: a clear error or rejects, never a traceback, never a lost row."""

import gzip
import io
import zipfile
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter  # type: ignore[import-untyped]
from backports import zstd
from batches import RULES, problems, refusal, run, write_xlsx

from api.batch import chunks, columnar, sheet_writer
from api.batch.chunks import FileRefused
from api.batch.running import Order, score_file

HOURS = "sitting_hours_per_day"


def test_semicolons_decimal_commas_and_carriage_returns(tmp_path: Path) -> None:
    done = run(tmp_path, f"\ufeffname;{HOURS};runs\r\nJos\u00e9;7,5;No\r\nAnn;8.5;YES\r\n\r\n")
    assert [row["psoas_prolonged_sitting_score"] for row in done.scored] == ["52.5", "62.5"]
    assert [row[HOURS] for row in done.scored] == ["7,5", "8.5"]
    assert done.scored[0]["name"] == "Jos\u00e9"
    assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbfname;")


def test_tabs(tmp_path: Path) -> None:
    done = run(tmp_path, f"id\t{HOURS}\n1\t6\n")
    assert done.scored[0]["psoas_prolonged_sitting_score"] == "30.0"


def test_a_comma_in_a_quoted_cell_is_a_decimal_comma_unless_it_may_part_thousands(
    tmp_path: Path,
) -> None:
    done = run(tmp_path, f'id,{HOURS},moderate_minutes_per_week\n1,"7,5",60\n2,8,"1,260"\n')
    assert [row["id"] for row in done.scored] == ["1"]
    assert problems(done.rejected) == ["moderate_minutes_per_week: wrong_type"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16", "utf-8-sig"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    text = f"name,{HOURS}\nZo\u00eb \u2013 \u20ac,4\nplain,5\n"
    done = run(tmp_path, text.encode(encoding))
    assert [row["name"] for row in done.scored] == ["Zo\u00eb \u2013 \u20ac", "plain"]
    assert bool(done.summary.notes) == (encoding == "cp1252")


def test_a_line_in_another_encoding_does_not_spoil_the_others(tmp_path: Path) -> None:
    content = f"name,{HOURS}\nZo\u00eb,4\n".encode() + "Ren\u00e9,5\n".encode("cp1252")
    assert [row["name"] for row in run(tmp_path, content).scored] == ["Zo\u00eb", "Ren\u00e9"]


def test_old_line_ends(tmp_path: Path) -> None:
    assert run(tmp_path, f"id,{HOURS}\r1,4\r2,5\r".encode()).summary.scored == 2


def test_ragged_rows_are_rejects_with_their_line_and_all_their_cells(tmp_path: Path) -> None:
    content = f'id,{HOURS},note\n1,4,"two\nlines"\n2,5\n3,6,a,b\n\n4,7,ok\n'
    done = run(tmp_path, content)
    assert [row["id"] for row in done.scored] == ["1", "4"]
    assert problems(done.rejected) == ["line 4: malformed", "line 5: malformed"]
    assert [(row["id"], row["note"]) for row in done.rejected] == [("2", ""), ("3", "a,b")]


def test_long_and_short_rows_that_make_up_for_each_other_are_found(tmp_path: Path) -> None:
    done = run(tmp_path, f"id,{HOURS},note\n1,4\n2,5,x,y\n3,6,z\n")
    assert problems(done.rejected) == ["line 2: malformed", "line 3: malformed"]
    assert done.summary.scored == 1


def test_a_quote_that_is_never_closed_spoils_its_own_line_only(tmp_path: Path) -> None:
    rows = "".join(f"{n},5,fine\n" for n in range(3, 60))
    done = run(tmp_path, f'id,{HOURS},note\n1,4,5" tall\n2,5,"open\n{rows}60,6,"said ""hi"""\n')
    assert problems(done.rejected) == ["line 3: malformed"]
    assert done.rejected[0]["note"] == '"open'
    notes = [row["note"] for row in done.scored]
    assert (notes[0], notes[-1]) == ('5" tall', 'said "hi"')
    assert done.summary.scored == 59


def test_headers_that_stand_twice_or_are_empty(tmp_path: Path) -> None:
    done = run(tmp_path, f"id,id,,{HOURS},\n1,2,3,4,5\n")
    assert list(done.scored[0])[:5] == ["id", "id_2", "column_3", HOURS, "column_5"]
    assert list(done.scored[0].values())[:5] == ["1", "2", "3", "4", "5"]
    assert set(done.summary.columns.renamed) == {"id_2", "column_3", "column_5"}
    assert HOURS in refusal(tmp_path, f"{HOURS},{HOURS}\n1,2\n")


def test_zero_bytes(tmp_path: Path) -> None:
    done = run(tmp_path, f"note,{HOURS}\na\0b,4\nc,\0\n".encode())
    assert done.scored[0]["note"] == "a\0b"
    assert problems(done.rejected) == [f"{HOURS}: wrong_type"]


def test_a_cell_of_a_megabyte_goes_through(tmp_path: Path) -> None:
    cell = "x" * 1_000_000
    done = run(tmp_path, f'note,{HOURS}\n{cell},4\n"{cell}",99\n{cell},{cell}\n')
    assert done.scored[0]["note"] == cell
    assert problems(done.rejected) == [f"{HOURS}: out_of_range", f"{HOURS}: wrong_type"]


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.batch.encodings.LONGEST_LINE", 100)
    for module in ("chunks", "delimited", "cutting", "json_lines"):
        monkeypatch.setattr(f"api.batch.{module}.LARGEST_RECORD", 1000)
        if module in ("delimited", "json_lines"):
            monkeypatch.setattr(f"api.batch.{module}.BLOCK", 500)
    assert "too long" in refusal(tmp_path, "a" * 5000 + f",{HOURS}\n1,2\n")
    assert "longer" in refusal(tmp_path, f"id,{HOURS}\n1,4\n2,{'5' * 5000}")
    line = '{"HOURS": 4}\n{"id": "TEXT"}'.replace("HOURS", HOURS).replace("TEXT", "x" * 5000)
    assert "longer" in refusal(tmp_path, line, "in.ndjson")


@pytest.mark.parametrize("block", [1, 7, 35, 36, 37, 41, 64, 1000])
def test_rows_are_the_same_wherever_blocks_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    content = f'id,{HOURS},note\n1,4,"a\n""b"""\r\n2,5\n3,6,x"y\n4,"7",\u00e9\n\n5,8,"z'
    whole = run(tmp_path, content)
    monkeypatch.setattr("api.batch.delimited.BLOCK", block)
    monkeypatch.setattr("api.batch.encodings.LONGEST_LINE", 0)
    if block >= len(content.split("\n", maxsplit=1)[0]):
        assert run(tmp_path, content)[1:] == whole[1:]
    lines = '{"HOURS": 4, "n": "\u00e9"}\n\nnot\n{"HOURS": 5}'.replace("HOURS", HOURS)
    whole = run(tmp_path, lines, "in.ndjson")
    monkeypatch.setattr("api.batch.json_lines.BLOCK", max(block, 40))
    assert run(tmp_path, lines, "in.ndjson")[1:] == whole[1:]


PAYLOADS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    '=HYPERLINK("http://x.example","y")',
    "=IMPORTXML(A1)",
]
HARMLESS = ["-5", "+5.5", "-1,5", "-1e5", "a=1", "'quoted", "'"]


def test_no_cell_can_run_as_a_formula(tmp_path: Path) -> None:
    frame = pl.DataFrame({"=note": PAYLOADS + HARMLESS, HOURS: ["4"] * 8 + ["99"] * 8})
    buffer = io.BytesIO()
    frame.write_csv(buffer, quote_style="always")
    done = run(tmp_path, buffer.getvalue())
    for row in done.scored + done.rejected:
        sent = frame["=note"][int(row["psoas_row"]) - 1]
        assert row["'=note"] == (f"'{sent}" if sent in PAYLOADS else sent)


def test_apostrophes_are_taken_off_again(tmp_path: Path) -> None:
    frame = pl.DataFrame({"note": PAYLOADS + HARMLESS, HOURS: ["99"] * 16})
    buffer = io.BytesIO()
    frame.write_csv(buffer, quote_style="always")
    run(tmp_path, buffer.getvalue())
    again = (tmp_path / "out.rejects.csv").read_bytes()
    sent_again = run(tmp_path, again)
    assert sent_again.summary.columns.replaced == ["psoas_row", "psoas_problems"]
    assert (tmp_path / "out.rejects.csv").read_bytes() == again
    score_file(RULES, Order(tmp_path / "in.csv", tmp_path / "p.parquet", may_replace=True))
    rejects = pl.read_parquet(tmp_path / "p.rejects.parquet")
    assert rejects["note"].to_list() == frame["note"].to_list()


@pytest.mark.parametrize("name", ["in.csv", "in.ndjson", "in.parquet", "in.xlsx"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    assert "empty" in refusal(tmp_path, b"", name)


def test_a_header_alone_is_a_file_of_no_rows(tmp_path: Path) -> None:
    done = run(tmp_path, f"id,{HOURS}\n")
    assert done.summary.rows == 0
    assert (tmp_path / "out.csv").read_text().startswith(f"id,{HOURS},psoas_row,")
    assert (tmp_path / "out.rejects.csv").read_text() == f"id,{HOURS},psoas_row,psoas_problems\n"


def test_a_hundred_thousand_columns_are_refused(tmp_path: Path) -> None:
    header = ",".join(f"c{n}" for n in range(100_000))
    assert "100,000 columns" in refusal(tmp_path, f"{header}\n{',' * 99_999}\n")


def test_ten_thousand_columns_go_through(tmp_path: Path) -> None:
    header = ",".join(f"c{n}" for n in range(10_000))
    done = run(tmp_path, f"{header},{HOURS}\n{'x,' * 10_000}4\n")
    assert done.scored[0]["psoas_prolonged_sitting_score"] == "0.0"


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_bombs_are_refused_by_their_unpacked_size(tmp_path: Path, suffix: str) -> None:
    text = f"id,{HOURS}\n".encode() + b"1,4\n" * 12_000_000
    pack = gzip.compress if suffix == ".gz" else zstd.compress
    packed = pack(text)
    assert len(packed) < len(text) / 500
    told = refusal(tmp_path, packed, f"in.csv{suffix}", largest=20_000_000)
    assert "20,000,000 bytes when unpacked" in told


def test_a_bomb_of_one_endless_line_is_refused_early(tmp_path: Path) -> None:
    packed = zstd.compress(f"id,{HOURS}\n".encode() + bytes(200_000_000))
    assert "longer than" in refusal(tmp_path, packed, "in.csv.zst")


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_damaged_and_cut_off_files_are_refused(tmp_path: Path, suffix: str) -> None:
    text = "".join(f"{n},{n % 19}\n" for n in range(50_000))
    pack = gzip.compress if suffix == ".gz" else zstd.compress
    packed = pack(f"id,{HOURS}\n{text}".encode())
    assert "damaged" in refusal(tmp_path, packed[: len(packed) // 2], f"in.csv{suffix}")


def make_bomb(path: Path, claimed: int | None) -> bytes:
    """A spreadsheet with a sheet of 60 MB of blanks, which may claim to be smaller."""
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet().write_row(0, 0, ["id", HOURS])
    bomb = path.with_suffix(".bomb")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename.endswith("sheet1.xml"):
                content += b" " * 60_000_000
            new.writestr(entry.filename, content)
    packed = bytearray(bomb.read_bytes())
    if claimed is not None:
        size = (60_000_000).to_bytes(4, "little")[2:]
        assert size  # the directory says how large an entry is; here it does not tell the truth
        with zipfile.ZipFile(bomb) as archive:
            real = archive.getinfo("xl/worksheets/sheet1.xml").file_size
        packed = bytearray(
            bytes(packed).replace(real.to_bytes(4, "little"), claimed.to_bytes(4, "little"))
        )
    return bytes(packed)


@pytest.mark.parametrize("claimed", [None, 500])
def test_a_spreadsheet_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, claimed: int | None
) -> None:
    bomb = make_bomb(tmp_path / "made.xlsx", claimed)
    assert len(bomb) < 200_000
    told = refusal(tmp_path, bomb, "in.xlsx", largest=30_000_000)
    assert "30,000,000 bytes when unpacked" in told
    assert "CSV" in told


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("in.xlsx", b"PK\x03\x04 not really"),
        ("in.parquet", b"PAR1 not really PAR1"),
        ("in.xlsx", b"id,sitting_hours_per_day\n1,2\n"),
        ("in.csv", b"PAR1 not text"),
        ("in.csv", b"PK\x03\x04 not text"),
        ("in.csv.gz", b"\x1f\x8b nonsense"),
        ("in.csv.zst", b"\x28\xb5\x2f\xfd nonsense"),
        ("in.csv", bytes(range(256)) * 50),
        ("in.csv", b'"' * 1001),
        ("in.ndjson", b"[1, 2, 3]"),
        ("in.unknown", b"id\n"),
        ("in.csv", b"\xff\xfe\x00"),
    ],
)
def test_what_is_no_such_file_is_refused_kindly(tmp_path: Path, name: str, content: bytes) -> None:
    told = refusal(tmp_path, content, name)
    assert told.endswith(".")
    assert "Traceback" not in told


def test_spreadsheets(tmp_path: Path) -> None:
    path = tmp_path / "made.xlsx"
    book = xlsxwriter.Workbook(path, {"strings_to_formulas": False})
    book.add_worksheet("Notes").write(0, 0, "nothing here")
    sheet = book.add_worksheet("People")
    sheet.write_row(0, 0, ["id", HOURS, "runs", "note", "moderate_minutes_per_week"])
    sheet.write_row(1, 0, ["a", 7.5, False, "x", 60])
    sheet.write_row(2, 0, ["b", "8,5", "no", "=x"])
    sheet.write_formula(3, 1, "=1/0", None, "#DIV/0!")
    sheet.write(3, 0, "c")
    sheet.write_formula(4, 1, "=3+3", None, 6)
    sheet.write_formula(4, 3, "=NA()", None, "#N/A")
    book.close()
    content = path.read_bytes()
    done = run(tmp_path, content, "in.xlsx", sheet="People")
    scores = [row["psoas_prolonged_sitting_score"] for row in done.scored]
    assert scores == ["48.5", "62.5", "30.0"]
    assert [row["note"] for row in done.scored] == ["x", "'=x", "#N/A"]
    assert problems(done.rejected) == [f"{HOURS}: wrong_type"]
    assert done.rejected[0][HOURS] == "#DIV/0!"
    assert "Notes, People" in refusal(tmp_path, content, "in.xlsx", sheet="Answers")
    assert "mapping" in refusal(tmp_path, content, "in.xlsx")


def test_errors_in_a_sheet_that_begins_further_in(tmp_path: Path) -> None:
    path = tmp_path / "made.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    sheet.write_row(2, 1, [HOURS, "note"])
    sheet.write_row(3, 1, [4, "x"])
    sheet.write_formula(4, 1, "=1/0", None, "#DIV/0!")
    sheet.write(4, 2, "y")
    book.close()
    done = run(tmp_path, path.read_bytes(), "in.xlsx")
    assert [row["note"] for row in done.scored] == ["x"]
    assert [(row[HOURS], row["note"]) for row in done.rejected] == [("#DIV/0!", "y")]


def test_more_rows_than_a_sheet_holds_are_refused_before_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet_writer, "MOST_ROWS", 1001)
    source = tmp_path / "in.csv"
    for rows, fits in ((1000, True), (1001, False)):
        source.write_text(f"id,{HOURS}\n" + "1,4\n" * rows)
        order = Order(source, tmp_path / f"{rows}.xlsx")
        if fits:
            assert score_file(RULES, order).scored == 1000
            assert pl.read_excel(order.target)["psoas_index_low"].len() == 1000
            continue
        with pytest.raises(FileRefused, match="CSV or Parquet"):
            score_file(RULES, order)
        assert not order.target.exists()


def test_json_lines(tmp_path: Path) -> None:
    content = "\n".join(
        [
            '{"id": 1, "HOURS": 7.5, "runs": false, "more": {"a": [1, "\\u00e9"]}}'.replace(
                "HOURS", HOURS
            ),
            '{"id": 2, "HOURS": null}'.replace("HOURS", HOURS),
            "not json",
            '{"id": 4, "HOURS": 8, "HOURS": 9}'.replace("HOURS", HOURS),
            "[5]",
            '{"id": 6, "HOURS": "many"}'.replace("HOURS", HOURS),
            '{"id": 7, "HOURS": NaN}'.replace("HOURS", HOURS),
            "{}",
        ]
    )
    done = run(tmp_path, content, "in.ndjson")
    assert [row["id"] for row in done.scored] == ["1", "2", ""]
    assert problems(done.rejected) == [
        "line 3: malformed",
        f"{HOURS}: malformed",
        "line 5: malformed",
        f"{HOURS}: wrong_type",
        f"{HOURS}: out_of_range",
    ]


def test_a_key_that_turns_up_late_is_told_and_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.batch.json_lines.BLOCK", 100)
    early = '{"HOURS": 4}\n'.replace("HOURS", HOURS) * 20
    done = run(tmp_path, early + '{"HOURS": 5, "late": 1}\n'.replace("HOURS", HOURS), "in.ndjson")
    assert problems(done.rejected) == ["late: unknown_field"]
    assert done.rejected[0][HOURS] == '{"HOURS": 5, "late": 1}'.replace("HOURS", HOURS)


def test_chunks_are_bounded() -> None:
    assert chunks.LARGEST_RECORD < chunks.BLOCK


def test_a_written_spreadsheet_is_read_again(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": ["a", "b"], HOURS: [7.5, None], "runs": [True, None]})
    done = run(tmp_path, write_xlsx(tmp_path / "made.xlsx", frame), "in.xlsx")
    assert [row["psoas_prolonged_sitting_score"] for row in done.scored] == ["52.5", ""]


def test_a_value_that_parquet_stores_once_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columnar, "SLICE", 1 << 20)
    path = tmp_path / "in.parquet"
    note = "x" * 100_000
    pl.DataFrame({HOURS: [9.0] * 200, "note": [note] * 200}).write_parquet(path)
    assert path.stat().st_size < 10_000
    heights = [chunk.frame.height for chunk in columnar.ParquetFile(path).read()]
    assert sum(heights) == 200
    assert max(heights) <= 10
    scored = score_file(RULES, Order(path, tmp_path / "out.parquet"))
    assert scored.scored == 200
    with pytest.raises(FileRefused, match="unpacked"):
        score_file(RULES, Order(path, tmp_path / "other.parquet", largest=10_000_000))


def test_a_row_of_parquet_may_not_be_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columnar, "SLICE", 1 << 20)
    path = tmp_path / "in.parquet"
    pl.DataFrame({HOURS: [9.0] * 2, "note": ["x", "x" * (1 << 21)]}).write_parquet(path)
    with pytest.raises(FileRefused, match="Row 2 holds more than 1 MiB"):
        score_file(RULES, Order(path, tmp_path / "out.parquet"))


def test_what_a_spreadsheet_keeps_on_the_way_lies_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else answers would stay in a folder that nobody looks after, if the process is killed."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "in.csv").write_text(f"{HOURS}\n9\n")
    seen: list[str] = []

    def look(_: object) -> None:
        seen.extend(path.name for path in tmp_path.glob(".sheet-*/*"))

    score_file(RULES, Order(tmp_path / "in.csv", tmp_path / "out.xlsx"), go_on=look)
    assert seen
    assert list(tmp_path.glob(".sheet-*/*")) == []
