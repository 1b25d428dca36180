"""The runtimes with a Python package: each loads a file as a function."""

import functools

import pytest

# By runtime, the module that it needs.
MODULES = {
    "onnxruntime": "onnxruntime",
    "onnxruntime_unoptimised": "onnxruntime",
    "onnx_reference": "onnx.reference",
    "openvino": "openvino",
    "opencv": "cv2",
    "tract": "tract",
}

# In the order of a file. `decode` has the first alone.
OUTPUTS = ("x", "z")


def load(runtime, path):
    """Loads an ONNX file, as a function of arrays by name.

    Skips the test if the runtime is not installed.
    """
    module = pytest.importorskip(
        MODULES[runtime],
        reason=f"`{MODULES[runtime]}` is not installed. Run `pip install "
        '"keras-vae[runtimes]"`.',
    )
    return LOADERS[runtime](module, path)


def in_onnxruntime(onnxruntime, path, optimised=True):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors alone
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = (
        level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
    )
    session = onnxruntime.InferenceSession(
        path, options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return lambda **inputs: dict(
        zip(names, session.run(names, inputs), strict=True)
    )


def in_reference(reference, path):
    evaluator = reference.ReferenceEvaluator(str(path))
    names = evaluator.output_names
    return lambda **inputs: dict(
        zip(names, evaluator.run(names, inputs), strict=True)
    )


def in_openvino(openvino, path):
    # On processors that have bfloat16 it would round to it.
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled = openvino.Core().compile_model(path, "CPU", options)

    def call(**inputs):
        found = compiled(inputs)
        # Its lists of outputs have names of nodes as well.
        values = [found[output].copy() for output in compiled.outputs]
        return dict(zip(OUTPUTS, values, strict=False))

    return call


def in_opencv(cv2, path):
    net = cv2.dnn.readNetFromONNX(str(path))

    def call(**inputs):
        for name, value in inputs.items():
            net.setInput(value, name)
        return {"x": net.forward("x")}

    return call


def in_tract(tract, path):
    model = tract.onnx().load(str(path))
    inputs_in_order = [
        model.input_name(number) for number in range(model.input_count())
    ]
    runnable = model.into_model().into_runnable()

    def call(**inputs):
        values = runnable.run([inputs[name] for name in inputs_in_order])
        # It knows outputs by the names of nodes alone.
        arrays = [value.to_numpy() for value in values]
        return dict(zip(OUTPUTS, arrays, strict=False))

    return call


LOADERS = {
    "onnxruntime": in_onnxruntime,
    "onnxruntime_unoptimised": functools.partial(
        in_onnxruntime, optimised=False
    ),
    "onnx_reference": in_reference,
    "openvino": in_openvino,
    "opencv": in_opencv,
    "tract": in_tract,
}
