// Runs cases in onnxruntime-web. It is the same file in Node and in Chromium.

const ARRAYS = {
  float32: (data) => Float32Array.from(data),
  int32: (data) => Int32Array.from(data),
  int64: (data) => BigInt64Array.from(data, BigInt), // from strings
};

function toTensor(ort, { dtype, shape, data }) {
  return new ort.Tensor(dtype, ARRAYS[dtype](data), shape);
}

function fromTensor({ type, dims, data }) {
  return { dtype: type, shape: dims, data: Array.from(data) };
}

function mapValues(object, change) {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name, change(value)]),
  );
}

/**
 * Runs cases one after the other, each file loaded once.
 *
 * @param ort The module of onnxruntime-web.
 * @param cases A list of { file, inputs }.
 * @param read Returns a promise of the bytes of a file.
 * @returns A list of outputs by name.
 */
export async function runCases(ort, cases, read) {
  ort.env.wasm.numThreads = 1;
  const sessions = new Map();
  const answers = [];
  for (const { file, inputs } of cases) {
    if (!sessions.has(file)) {
      const bytes = await read(file);
      sessions.set(file, await ort.InferenceSession.create(bytes));
    }
    const tensors = mapValues(inputs, (one) => toTensor(ort, one));
    const outputs = await sessions.get(file).run(tensors);
    answers.push(mapValues(outputs, fromTensor));
  }
  return answers;
}
