"""From a trained run to a model file: ONNX graph, INT8 quantization, fidelity, card."""
