"""The yardstick of model-fit: scikit-learn on one thread, with the settings of reference_metrics.json.

Arguments: a folder with the matrices that model-fit.ts wrote (float64, row after row), the model's name, the number of
runs. Prints what model-fit-child.ts prints. Only the bench needs it: Debian's python3-sklearn, nothing of it is part of
the product.
"""

import json
import os
import resource
import sys
import time

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
import numpy as np  # noqa: E402
from sklearn.cluster import KMeans  # noqa: E402
from sklearn.ensemble import (  # noqa: E402
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402

PREDICTIONS = 5

folder, name, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(os.path.join(folder, "shape.json")) as file:
    shape = json.load(file)


def load(part, kind):
    path = os.path.join(folder, part)
    return np.fromfile(path, dtype=kind) if os.path.exists(path) else None


train = load("train.bin", "float64").reshape(-1, shape["features"])
test = load("test.bin", "float64").reshape(-1, shape["features"])
target = load("train-target.bin", "float64")
is_classes = shape["classes"] > 0

make = {
    "logistic": lambda: LogisticRegression(C=1.0, max_iter=2000),
    "ridge": lambda: Ridge(alpha=1.0),
    "forest": lambda: (RandomForestClassifier if is_classes else RandomForestRegressor)(100, random_state=0, n_jobs=1),
    "boosting": lambda: (HistGradientBoostingClassifier if is_classes else HistGradientBoostingRegressor)(early_stopping=False),
    "kmeans": lambda: KMeans(shape.get("clusters", 8), n_init=10, random_state=0),
    "isolation": lambda: IsolationForest(n_estimators=100, random_state=0, n_jobs=1),
}[name]

fit_ms, fit_cpu_ms, predict_ms = [], [], []
for _ in range(runs):
    model = make()
    started, cpu_started = time.perf_counter(), time.process_time()
    model.fit(train) if target is None else model.fit(train, target)
    fitted, cpu_fitted = time.perf_counter(), time.process_time()
    fit_ms.append((fitted - started) * 1000)
    fit_cpu_ms.append((cpu_fitted - cpu_started) * 1000)
    for _ in range(PREDICTIONS):
        since = time.perf_counter()
        if name == "isolation":
            model.score_samples(test)
        elif hasattr(model, "predict_proba"):
            model.predict_proba(test)
        else:
            model.predict(test)
        predict_ms.append((time.perf_counter() - since) * 1000)

print(json.dumps({
    "fit_ms": fit_ms,
    "fit_cpu_ms": fit_cpu_ms,
    "predict_ms": predict_ms,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
