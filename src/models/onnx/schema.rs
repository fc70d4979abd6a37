//! The part of the ONNX file format that writing a model takes.
//!
//! Field numbers are those of `onnx.proto`
//! (<https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>), IR version 10.

use prost::Message;

/// A model file.
#[derive(Clone, PartialEq, Message)]
pub(in crate::models) struct Model {
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    #[prost(string, tag = "2")]
    pub producer_name: String,
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSet>,
}

/// A version of a set of operators.
#[derive(Clone, PartialEq, Message)]
pub(in crate::models) struct OperatorSet {
    #[prost(string, tag = "1")]
    pub domain: String,
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// The computation: nodes in an order in which they can run.
#[derive(Clone, PartialEq, Message)]
pub(in crate::models) struct Graph {
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<Node>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfo>,
}

/// One operator with the names of what it reads and writes.
#[derive(Clone, PartialEq, Message)]
pub(in crate::models) struct Node {
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    #[prost(string, tag = "4")]
    pub op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
    #[prost(string, tag = "7")]
    pub domain: String,
}

/// A constant of an operator.
#[derive(Clone, PartialEq, Message)]
pub(in crate::models) struct Attribute {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    #[prost(int32, tag = "20")]
    pub r#type: i32,
}

/// A constant tensor.
#[derive(Clone, PartialEq, Message)]
pub(in crate::models) struct Tensor {
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    #[prost(string, tag = "8")]
    pub name: String,
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
}

/// Name and type of an input or output.
#[derive(Clone, PartialEq, Message)]
pub(in crate::models) struct ValueInfo {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<Type>,
}

/// The type of a value; tensors only.
#[derive(Clone, PartialEq, Message)]
pub(in crate::models) struct Type {
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorType>,
}

/// Element type and shape of a tensor.
#[derive(Clone, PartialEq, Message)]
pub(in crate::models) struct TensorType {
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
}

/// The dimensions of a tensor.
#[derive(Clone, PartialEq, Message)]
pub(in crate::models) struct Shape {
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

/// A dimension: a number, or a name where it varies.
#[derive(Clone, PartialEq, Message)]
pub(in crate::models) struct Dimension {
    #[prost(int64, optional, tag = "1")]
    pub value: Option<i64>,
    #[prost(string, optional, tag = "2")]
    pub param: Option<String>,
}

/// `TensorProto.DataType.FLOAT`
const FLOAT: i32 = 1;
/// `TensorProto.DataType.INT8`
const INT8: i32 = 3;

impl Attribute {
    /// An attribute that is a number.
    pub(in crate::models) fn float(name: &str, value: f32) -> Self {
        Self { name: name.into(), f: Some(value), i: None, r#type: 1 }
    }

    /// An attribute that is a whole number.
    pub(in crate::models) fn int(name: &str, value: i64) -> Self {
        Self { name: name.into(), f: None, i: Some(value), r#type: 2 }
    }
}

impl Tensor {
    /// A tensor of 32-bit floats.
    pub(in crate::models) fn f32(name: &str, dims: &[usize], values: &[f32]) -> Self {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { dims: signed(dims), data_type: FLOAT, name: name.into(), raw_data }
    }

    /// A tensor of 8-bit integers.
    pub(in crate::models) fn i8(name: &str, dims: &[usize], values: &[i8]) -> Self {
        let raw_data = values.iter().map(|&value| value.cast_unsigned()).collect();
        Self { dims: signed(dims), data_type: INT8, name: name.into(), raw_data }
    }
}

impl ValueInfo {
    /// A tensor of floats with one row a token: `1 x tokens x width`.
    pub(in crate::models) fn rows(name: &str, width: usize) -> Self {
        let number = |value| Dimension { value: Some(value), param: None };
        let tokens = Dimension { value: None, param: Some("tokens".into()) };
        let shape = Shape { dim: vec![number(1), tokens, number(width.cast_signed() as i64)] };
        let tensor_type = Some(TensorType { elem_type: FLOAT, shape: Some(shape) });
        Self { name: name.into(), r#type: Some(Type { tensor_type }) }
    }
}

fn signed(dims: &[usize]) -> Vec<i64> {
    dims.iter().map(|&dim| dim as i64).collect()
}
