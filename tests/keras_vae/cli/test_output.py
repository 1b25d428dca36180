import json
import math

from keras_vae.cli.output import Output, dump


def test_people_read_stdout(capsys):
    with Output() as output:
        print("a library's chatter")
        output.say("hello [bold]")
        output.table([("a", "1"), ("long name", "22", "b")])
        output.note("by the way [red]")
        output.result({"a": 1})
    out, err = capsys.readouterr()
    assert out == "hello [bold]\n  a          1\n  long name  22  b\n"
    assert err == "a library's chatter\nby the way [red]\n"


def test_machines_read_one_object(capsys):
    with Output(as_json=True) as output:
        print("a library's chatter")
        output.say("hello")
        output.table([("a", "1")])
        output.result({"a": (1, math.nan), "b": {"c": -math.inf}})
    out, err = capsys.readouterr()
    assert json.loads(out) == {"a": [1, None], "b": {"c": None}}
    assert err == "a library's chatter\n"


def test_json_has_no_nan():
    assert dump({"a": math.inf, "b": 0.5}) == '{"a": null, "b": 0.5}'
