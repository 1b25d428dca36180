from keras_vae.cli.output import Output
from keras_vae.cli.variants import say_variants

DECODE = {
    "file": "onnx/int8/decode.onnx",
    "size": 219_447,
    "size_of_float32": 832_681,
    "latency_ms": {"1": 0.03, "32": 0.07},
    "latency_ms_of_float32": {"1": 0.02, "32": 0.14},
    "max_difference": 0.0383,
    "limit": 0.05,
    "converted": {"Conv": 1, "MatMul": 2},
    "kept_in_float32": dict.fromkeys("abcde", 3),
}


def test_the_table(capsys):
    with Output() as output:
        say_variants({"variants": {"int8": {"decode": DECODE}}}, output)
    title, header, row = capsys.readouterr().out.splitlines()
    assert title.startswith("Variants beside the float32 file: size, latency")
    assert header.split()[:4] == ["file", "kB", "size", "batch"]
    assert [cell.strip() for cell in row.split("  ") if cell] == [
        "onnx/int8/decode.onnx",
        "219",
        "0.26x",
        "1.50x",
        "0.50x",
        "3.8e-02",
        "5.0e-02",
        "1 Conv, 2 MatMul",
        "15 operations",
    ]


def test_nothing_is_a_dash(capsys):
    one = {**DECODE, "kept_in_float32": {}}
    with Output() as output:
        say_variants({"variants": {"int8": {"decode": one}}}, output)
    assert capsys.readouterr().out.endswith("1 Conv, 2 MatMul  -\n")


def test_no_variants_no_table(capsys):
    with Output() as output:
        say_variants({}, output)
        say_variants({"variants": {}}, output)
    assert capsys.readouterr().out == ""
