"""HTTP for the faces: requests, responses, ranges, conditions and body limits, over ASGI."""
