import json

from batchproof.build.tensorrt.layer_types import layer_types


def inspected(*layers: object) -> str:
    return json.dumps({"Layers": layers})


def layer(**output: object) -> object:
    return {
        "Name": "conv",
        "LayerType": "CaskConvolution",
        "Outputs": [{"Name": "out", "Dimensions": [1, 8], **output}],
    }


def test_the_formats_of_tensorrt_10_and_11() -> None:
    ten = {"Format/Datatype": "Row major linear FP16 format"}
    channels = {"Format/Datatype": "Thirty-two wide channel vectorized row major Int8 format"}
    eleven = {"Format": "Row major linear", "DataType": "Half"}
    counted = layer_types(inspected(layer(**ten), layer(**channels), layer(**eleven), layer(DataType="Float")))
    assert counted == {"FP16": 2, "INT8": 1, "FP32": 1}


def test_what_is_not_told_is_unknown() -> None:
    names_alone = "conv1"
    assert layer_types(inspected(names_alone, {"Name": "wait"}, layer(Location="Device"))) == {"UNKNOWN": 3}


def test_a_layer_counts_once_by_its_first_output() -> None:
    two = {"Outputs": [{"Format/Datatype": "Half"}, {"Format/Datatype": "Int32"}]}
    assert layer_types(inspected(two)) == {"FP16": 1}
