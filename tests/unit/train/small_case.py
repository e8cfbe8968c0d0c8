"""The settings of a training that takes milliseconds a step."""

SMALL = {
    "model": {"name": "mlp-gan", "latent": {"dim": 8, "dist": "normal"}, "hidden_g": [16, 24], "hidden_d": [24, 16]},
    "data": {"name": "digits"},
    "optim": {"g": {"name": "adam", "lr": 1e-3}, "d": {"name": "adam", "lr": 1e-3}},
    "train": {"batch_size": 16, "epochs": 1, "log_every_steps": 4},
    "eval": {"protocol": "digits-cnn"},
}
