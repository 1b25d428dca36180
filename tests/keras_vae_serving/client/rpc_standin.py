"""A stand-in for a gRPC server: says what a test wants."""

from concurrent import futures

import grpc
import numpy as np

from keras_vae_serving.rpc import messages, tensors

TIMEOUT_S = 20
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class RpcStandIn(grpc.GenericRpcHandler):
    """Answers every request with one response, or a code.

    Args:
        answers: Called with each request's bytes, returns a response, a code
            to fail with, or a code and its words, or `None` for the outputs
            x = [[0.5]].

    Attributes:
        asked: Every request, in order.
        metadata: That of the last request.
        method: That of the last request.
    """

    def __init__(self, answers=lambda _: None):
        self.asked = []
        self.metadata = {}
        self.method = None
        self._answers = answers
        self._server = grpc.server(futures.ThreadPoolExecutor(2))
        self._server.add_generic_rpc_handlers([self])
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self.address = f"127.0.0.1:{self.port}"

    def __enter__(self):
        self._server.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Stops at once, whatever is being answered."""
        self._server.stop(0).wait(TIMEOUT_S)

    def service(self, details):
        self.method = details.method
        return grpc.unary_unary_rpc_method_handler(self._answer)

    def _answer(self, request, context):
        self.asked.append(request)
        self.metadata = dict(context.invocation_metadata())
        answer = self._answers(request)
        if isinstance(answer, int):
            answer = answer, "Words"
        if isinstance(answer, tuple):
            context.abort(_CODES[int(answer[0])], answer[1])
        if answer is None:
            answer = messages.PredictResponse()
            x = tensors.to_proto(np.array([[0.5]], "float32"))
            answer.outputs["x"].CopyFrom(x)
        return answer.SerializeToString()
