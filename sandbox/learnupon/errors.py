"""How LearnUpon says no: irregular bodies and texts, gathered from what its API's users met."""

from typing import Any

BAD_JSON = {"error": "There was a problem in the JSON you submitted."}

# Observed text. The same-portal text is an assumption: LearnUpon's own is not known.
EXISTS_IN_REALM = "user already exists, you can try to invite them to this portal?"
EXISTS_HERE = "user already exists"
UNWRAPPED_USER = "Invalid user parameters provided"
ALREADY_INVITED = "has already been invited"
NO_SUCH_ENROLLMENT_TO_DELETE = "invalid deletion request, failed to find the enrollment"
COMPLETION_FAILED = "failed to process the completion"
PERCENTAGE_NOT_WANTED = "invalid request, percentage: should not be present for completed status"
COURSE_FULL = "course capacity reached"
INTERNAL = "internal error, please try again"


class Problem(Exception):
    """A refusal that ends an API call with a status and one of LearnUpon's bodies."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    @property
    def body(self) -> dict[str, Any]:
        return error_body(self.status, self.message)


def error_body(status: int, message: str) -> dict[str, Any]:
    return {"response_type": "ERROR", "response_code": status, "message": message}
