"""What was 200 lines of requests to a Discord webhook in each project: the same functions, which DAGs go on to import from here.

bellbuoy knows the webhook (alertmanager.yml); a task knows only BELLBUOY_URL. BELLBUOY_MODEL and BELLBUOY_FOOTER say what every message
has.
"""

from bellbuoy import (
    send_api_error,
    send_drift_alert,
    send_performance_alert,
    send_training_failure,
    send_training_success,
)

__all__ = ["send_api_error", "send_drift_alert", "send_performance_alert", "send_training_failure", "send_training_success"]
