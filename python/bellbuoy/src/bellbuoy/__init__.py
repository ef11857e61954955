"""Tell bellbuoy what a service or a pipeline did.

Read in this order: outcome.py (what a call returns), settings.py, spool.py (what is on disk), delivery.py (hand over or spool),
events.py, predictions.py, decisions.py. Beside them, for those who have the extras: asgi.py and airflow.py.

Nothing here raises because bellbuoy is down, and nothing waits for it longer than `Settings.timeout`.
"""

from .decisions import Decision, compare, get_decision, report_training
from .delivery import Flushed, flush
from .events import (
    send_api_error,
    send_champion_promotion,
    send_dag_completion,
    send_drift_alert,
    send_event,
    send_ingestion_failure,
    send_performance_alert,
    send_prediction_failure,
    send_service_down,
    send_training_failure,
    send_training_success,
)
from .outcome import Outcome
from .predictions import PredictionLogger, log_labels, log_predictions
from .settings import Settings, configure

__all__ = [
    "Decision",
    "Flushed",
    "Outcome",
    "PredictionLogger",
    "Settings",
    "compare",
    "configure",
    "flush",
    "get_decision",
    "log_labels",
    "log_predictions",
    "report_training",
    "send_api_error",
    "send_champion_promotion",
    "send_dag_completion",
    "send_drift_alert",
    "send_event",
    "send_ingestion_failure",
    "send_performance_alert",
    "send_prediction_failure",
    "send_service_down",
    "send_training_failure",
    "send_training_success",
]
__version__ = "0.1.0"
