"""A plot as SVG, written by hand: cost against the number of connections, on a logarithmic axis."""

from collections.abc import Mapping
from math import log10
from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP = 720, 260, 70, 40
INK, LINE, GRID = "#333", "#2457a6", "#ddd"


def plot(path: Path, panels: Mapping[str, Mapping[int, float]]) -> None:
    """One panel below the other, each with one line."""
    path.parent.mkdir(exist_ok=True)
    drawn = "\n".join(_panel(title, points, index * HEIGHT) for index, (title, points) in enumerate(panels.items()))
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT * len(panels)}" '
        f'font-family="sans-serif" font-size="12" fill="{INK}">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{drawn}\n</svg>\n'
    )


def _panel(title: str, points: Mapping[int, float], top: int) -> str:
    most = max(*points.values(), 0.001) * 1.15
    left, right = log10(min(points)), log10(max(points))

    def x(size: int) -> float:
        return LEFT + (log10(size) - left) / max(right - left, 0.001) * (WIDTH - LEFT - 40)

    def y(value: float) -> float:
        return top + HEIGHT - TOP - value / most * (HEIGHT - 2 * TOP - 10)

    parts = [f'<text x="{LEFT}" y="{top + 24}" font-weight="bold">{title}</text>']
    for step in range(5):
        value = most * step / 4
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 40}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="{GRID}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.2f}</text>')
    path = " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in points.items())
    parts.append(f'<polyline points="{path}" fill="none" stroke="{LINE}" stroke-width="2"/>')
    for size, value in points.items():
        parts.append(f'<circle cx="{x(size):.1f}" cy="{y(value):.1f}" r="3" fill="{LINE}"/>')
        parts.append(f'<text x="{x(size):.1f}" y="{top + HEIGHT - 22}" text-anchor="middle">{size:,}</text>')
    return "\n".join(parts)
