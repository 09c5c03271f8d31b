"""The messages that nvinferserver and Triton read, as far as a bundle says anything of them.

Field and enumeration names are those of nvdsinferserver_{common,config,plugin}.proto of DeepStream 9.1 and of Triton's
model_config.proto; their numbers do not matter to the text form. `*` marks repeated fields, a map among them.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

_MESSAGES = {
    "PluginControl": "infer_config:InferenceConfig input_control:InputControl output_control:OutputControl",
    "InferenceConfig": "unique_id:uint32 gpu_ids:int32* max_batch_size:uint32 backend:BackendParams"
    " preprocess:PreProcessParams input_tensor_from_meta:InputTensorFromMeta postprocess:PostProcessParams"
    " custom_lib:CustomLib extra:ExtraControl clip_object_outside_roi:bool",
    "BackendParams": "inputs:Layer* outputs:Layer* triton:TritonParams output_mem_type:MemoryType disable_warmup:bool",
    "Layer": "name:string",
    "TritonParams": "model_name:string version:int64 model_repo:TritonModelRepo grpc:TritonGrpcParams",
    "TritonModelRepo": "root:string* log_level:uint32 strict_model_config:bool",
    "TritonGrpcParams": "url:string enable_cuda_buffer_sharing:bool",
    "InputTensorFromMeta": "is_first_dim_batch:bool",
    "PreProcessParams": "network_format:MediaFormat tensor_order:TensorOrder tensor_name:string"
    " maintain_aspect_ratio:int32 symmetric_padding:int32 frame_scaling_filter:uint32 normalize:ScaleNormalize",
    "ScaleNormalize": "scale_factor:float channel_offsets:float*",
    "PostProcessParams": "labelfile_path:string detection:DetectionParams other:OtherNetworkParams",
    "DetectionParams": "num_detected_classes:int32 per_class_params:PerClassEntry* custom_parse_bbox_func:string"
    " simple_cluster:SimpleCluster",
    "PerClassEntry": "key:int32 value:PerClassParams",
    "PerClassParams": "pre_threshold:float",
    "SimpleCluster": "threshold:float",
    "OtherNetworkParams": "type_name:string",
    "CustomLib": "path:string",
    "ExtraControl": "copy_input_to_host_buffers:bool output_buffer_pool_size:int32 custom_process_funcion:string",
    "InputControl": "process_mode:ProcessMode operate_on_gie_id:int32 operate_on_class_ids:int32* interval:uint32",
    "OutputControl": "output_tensor_meta:bool",
    "ModelConfig": "name:string platform:string max_batch_size:int32 input:ModelTensor* output:ModelTensor*"
    " instance_group:ModelInstanceGroup*",
    "ModelTensor": "name:string data_type:DataType dims:int64*",
    "ModelInstanceGroup": "kind:Kind count:int32",
}
_ENUMS = {
    "MemoryType": "MEMORY_TYPE_DEFAULT MEMORY_TYPE_CPU MEMORY_TYPE_GPU",
    "MediaFormat": "MEDIA_FORMAT_NONE IMAGE_FORMAT_RGB IMAGE_FORMAT_BGR IMAGE_FORMAT_GRAY",
    "TensorOrder": "TENSOR_ORDER_NONE TENSOR_ORDER_LINEAR TENSOR_ORDER_NHWC",
    "ProcessMode": "PROCESS_MODE_DEFAULT PROCESS_MODE_FULL_FRAME PROCESS_MODE_CLIP_OBJECTS",
    "DataType": "TYPE_INVALID TYPE_FP16 TYPE_FP32",
    "Kind": "KIND_AUTO KIND_GPU KIND_CPU",
}
_FIELD = descriptor_pb2.FieldDescriptorProto


def read_server_config(text: str, message: str) -> Any:
    """Read protobuf text as `message`; an unknown field or name raises `ParseError`."""
    descriptor = _POOL.FindMessageTypeByName(f"test.{message}")
    return text_format.Parse(text, message_factory.GetMessageClass(descriptor)())


def _pool() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="test.proto", package="test", syntax="proto3")
    for name, values in _ENUMS.items():
        entry = file.enum_type.add(name=name)
        for number, value in enumerate(values.split()):
            entry.value.add(name=value, number=number)
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field in enumerate(fields.split(), start=1):
            _add(message, field, number)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def _add(message: Any, field: str, number: int) -> None:
    name, kind = field.rstrip("*").split(":")
    label = _FIELD.LABEL_REPEATED if field.endswith("*") else _FIELD.LABEL_OPTIONAL
    added = message.field.add(name=name, number=number, label=label)
    if kind in _MESSAGES or kind in _ENUMS:
        added.type = _FIELD.TYPE_MESSAGE if kind in _MESSAGES else _FIELD.TYPE_ENUM
        added.type_name = f".test.{kind}"
    else:
        added.type = getattr(_FIELD, f"TYPE_{kind.upper()}")


_POOL = _pool()
