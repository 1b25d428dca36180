import pytest
from google.protobuf import descriptor_pool, message_factory

from keras_vae_serving.rpc import proto_text

pytestmark = pytest.mark.once

TEXT = """
syntax = "proto3";  // a comment
package a.b;
import "other.proto";

enum Colour { NONE = 0; RED = 7; }
message Outer {
  message Inner { bytes data = 1; }
  enum Kind { ZERO = 0; }
  repeated Inner inner = 1;
  map<string, Inner> by_some_name = 2;
  map<int64, Colour> colours = 3;
  oneof choice { string text = 4; Kind kind = 5; }
  double number = 16;
}
"""


@pytest.fixture
def outer():
    pool = descriptor_pool.DescriptorPool()
    pool.Add(proto_text.parse("other.proto", 'syntax = "proto3";'))
    pool.Add(proto_text.parse("this.proto", TEXT))
    found = pool.FindMessageTypeByName("a.b.Outer")
    return message_factory.GetMessageClass(found)


def test_fields(outer):
    message = outer(number=0.5)
    message.inner.add(data=b"x")
    message.by_some_name["k"].data = b"y"
    message.colours[-1] = 7
    message.text = "t"
    message.kind = 0
    assert message.WhichOneof("choice") == "kind"
    assert outer.FromString(message.SerializeToString()) == message
    numbers = {one.name: one.number for one in outer.DESCRIPTOR.fields}
    assert numbers == {
        "inner": 1,
        "by_some_name": 2,
        "colours": 3,
        "text": 4,
        "kind": 5,
        "number": 16,
    }
    entry = outer.DESCRIPTOR.fields_by_name["by_some_name"].message_type
    assert entry.name == "BySomeNameEntry"


@pytest.mark.parametrize(
    "text, received",
    [
        ("message A {", "must go on with a word. Received: ''"),
        ("service A {}", "enum or message. Received: 'service'"),
        ("message A { int32 a 1; }", "must go on with =. Received: 'a'|'1'"),
        ("message A { int32 a = 1 [x]; }", r"Received: '\[x\]; }'"),
        ('syntax = "proto2";', "must go on with proto3. Received: 'proto2'"),
        ("message A { map<string> a = 1; }", "must go on with ,"),
    ],
)
def test_what_it_does_not_read(text, received):
    with pytest.raises(ValueError, match=f"`text` of a.proto .*{received}"):
        proto_text.parse("a.proto", text)
