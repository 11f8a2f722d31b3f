"""scikit-learn's figures for fraud.test.ts: python3 fraud-reference.py train.csv new.csv > fraud-reference.json

The two files are payments(20_000, 1) and payments(20_000, 2) of fraud.ts. Figures in fraud-reference.json: Debian's
python3-sklearn 1.2.1.
"""

import json
import sys

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, balanced_accuracy_score, brier_score_loss, precision_score, recall_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

train, new = (pd.read_csv(path) for path in sys.argv[1:3])
features = ["amount", "distance", "tries", "age"]
truth = (new["kind"] == "fraud").astype(int)


def figures(weights):
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, class_weight=weights, max_iter=1000))
    model.fit(train[features], (train["kind"] == "fraud").astype(int))
    guess, probability = model.predict(new[features]), model.predict_proba(new[features])[:, 1]
    return {
        "recall": recall_score(truth, guess),
        "precision": precision_score(truth, guess),
        "balanced_accuracy": balanced_accuracy_score(truth, guess),
        "roc_auc": roc_auc_score(truth, probability),
        "pr_auc": average_precision_score(truth, probability),
        "brier": brier_score_loss(truth, probability),
    }


print(json.dumps({"frauds": int(truth.sum()), "balanced": figures("balanced"), "none": figures(None)}, indent=2))
