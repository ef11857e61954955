"""A prediction service in FastAPI: `uvicorn service:app --port 8000`. Metrics at /metrics, predictions to bellbuoy, errors to people."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

import bellbuoy
from bellbuoy.asgi import Instrument

MODEL = "bikes"

app = FastAPI()
instrument = Instrument()
instrument.install(app)
instrument.expect_prediction_errors("ZeroDivisionError")
rows = bellbuoy.PredictionLogger(MODEL)
instrument.watch(rows)


class Hour(BaseModel):
    id: str
    temp: float
    weather: str = "clear"


class Truth(BaseModel):
    id: str
    value: float


@app.post("/predict")
def predict(hours: list[Hour]) -> list[float]:
    with instrument.prediction(rows=len(hours)):
        answers = [5 * hour.temp + (0 if hour.weather == "clear" else 1 / hour.temp) for hour in hours]
    for hour, answer in zip(hours, answers):
        rows.prediction(hour.id, answer, {"temp": hour.temp, "weather": hour.weather})
    return answers


@app.post("/labels")
def labels(truths: list[Truth]) -> str:
    return bellbuoy.log_labels(MODEL, {truth.id: truth.value for truth in truths})


@app.exception_handler(Exception)
def failed(request: Request, error: Exception) -> JSONResponse:
    # Once in ten minutes for the same kind of error.
    key = f"{request.url.path} {type(error).__name__}"
    bellbuoy.send_api_error(request.url.path, error, 500, model=MODEL, key=key, window="10m")
    return JSONResponse({"detail": "internal error"}, status_code=500)
