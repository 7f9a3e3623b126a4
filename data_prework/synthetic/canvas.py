"""Brushes shared by the synthetic data sets: noise, strokes, saving, and drawing on all processors."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import fft
from tqdm import tqdm


def cloud(rng: np.random.Generator, shape: tuple[int, int], beta: float = 2.0, low: float = 0.0) -> np.ndarray:
    """Smooth random field with a 1/f**beta power spectrum.

    Args:
        shape: (height, width) in pixels.
        beta: 0 is white noise, 2 are clouds, 3 and more are broad gradients.
        low: frequencies below this many cycles per image are left out, so that only fine structure stays.

    Returns:
        float32 array of `shape`, mean 0, standard deviation 1.

    Source: spectral synthesis of fractional Brownian motion; Peitgen & Saupe, The Science of Fractal Images, 1988.
    """
    fy = np.fft.fftfreq(shape[0])[:, None] * shape[0]
    fx = np.fft.rfftfreq(shape[1])[None, :] * shape[1]
    radius = np.hypot(fy, fx)
    weight = np.where(radius > max(low, 0.5), np.maximum(radius, 0.5) ** (-beta / 2), 0).astype(np.float32)
    spectrum = fft.rfft2(rng.standard_normal(shape, dtype=np.float32)) * weight
    field = fft.irfft2(spectrum, shape)
    return ((field - field.mean()) / (field.std() + 1e-9)).astype(np.float32)


def stroke(shape: tuple[int, int], points: np.ndarray, widths: np.ndarray | float, soft: int = 3) -> np.ndarray:
    """Coverage of an anti-aliased line of changing width.

    Args:
        shape: (height, width) in pixels.
        points: (n, 2) array of x, y in pixels; may leave the image.
        widths: width in pixels at each point, or one for all; less than 1 gives a faint line.
        soft: supersampling per axis.

    Returns:
        float32 array of `shape`, 0 outside and 1 inside.
    """
    points = np.asarray(points, dtype=float)
    widths = np.broadcast_to(np.asarray(widths, dtype=float), len(points))
    pixels = Image.new("L", (shape[1] * soft, shape[0] * soft))
    pen = ImageDraw.Draw(pixels)
    for (x0, y0), (x1, y1), width in zip(points[:-1], points[1:], widths[1:], strict=True):
        thick = max(1, round(width * soft))
        pen.line((x0 * soft, y0 * soft, x1 * soft, y1 * soft), fill=255, width=thick)
        if thick > 3:
            r = thick / 2
            pen.ellipse((x1 * soft - r, y1 * soft - r, x1 * soft + r, y1 * soft + r), fill=255)
    small = pixels.resize((shape[1], shape[0]), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32) / 255


def to_uint8(pixels: np.ndarray) -> np.ndarray:
    """Clip a float image on the scale 0-255 and round it to uint8."""
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def save_jpeg(path: Path, pixels: np.ndarray, quality: int = 85, mode: str | None = None) -> None:
    """Save a uint8 image, (h, w) or (h, w, 3), as JPEG; `mode` "RGB" stores a grey one in three channels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, quality=quality)


def save_mask(path: Path, mask: np.ndarray) -> None:
    """Save a boolean (h, w) mask as a one-bit PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(mask, dtype=np.uint8) * 255).convert("1").save(path)


def draw_all(draw: Callable, jobs: Sequence, describe: str, workers: int | None = None) -> list:
    """Call `draw(job)` for every job on all processors, with a progress bar; results in the order of the jobs.

    `draw` must be a module's top-level function and depend on nothing but its job (seed included), so that the
    images are the same whatever the number of workers. `workers=1` stays in this process.
    """
    workers = workers or os.cpu_count() or 1
    bar = {"total": len(jobs), "desc": describe, "unit": "image", "leave": False, "disable": None}
    if workers == 1 or len(jobs) < 50:
        return [draw(job) for job in tqdm(jobs, **bar)]
    # spawn, not fork: the caller may have TensorFlow's threads running
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        return list(tqdm(pool.map(draw, jobs, chunksize=8), **bar))
