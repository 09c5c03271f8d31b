from __future__ import annotations

from batchproof.deploy.proto_text import Explained, Field, Name, Row, proto_text


def test_fields_stand_in_their_order_with_what_explains_them() -> None:
    message: dict[str, Field] = {
        "name": 'a "b"',
        "kind": Name("KIND_CPU"),
        "dims": Row((3, -1)),
        "profile": Row(("0", "1")),
        "group": [Explained("why\nand how", {"count": 2, "on": True}), {"count": 1}],
        "share": 0.25,
    }
    assert proto_text("head", message) == (
        '# head\nname: "a \\"b\\""\nkind: KIND_CPU\ndims: [ 3, -1 ]\nprofile: [ "0", "1" ]\n'
        "# why\n# and how\ngroup {\n  count: 2\n  on: true\n}\ngroup {\n  count: 1\n}\nshare: 0.25\n"
    )
