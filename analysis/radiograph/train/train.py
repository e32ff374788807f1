#!/usr/bin/python3
# SPDX-FileCopyrightText: The endplate authors
# SPDX-License-Identifier: Apache-2.0
"""Trains the two networks that read lateral films of the spine.

  spotter  sees a whole film at 192 x 192 and tells at a quarter of that where centres of
           bodies lie, which way the spine runs and faces there, and which level it is
  corners  sees one body at 64 x 64, superior up and anterior to the right, and tells at half
           of that where its six points and the lines of its endplates lie

README.md beside this file has the commands. Needs Debian's python3-torch and python3-numpy.
"""

import argparse
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

ROWS, COLUMNS, FULL = 480, 384, 4095.0
SPOT, CELL = 192, 4  # input of the spotter, and its cells, pixels
PATCH, PATCH_CELL = 64, 2
PATCH_SPAN = 2.2  # of the distance of neighbouring centres
POINTS = 10  # six points, and two on the line of each endplate
CRUSHED, TIMES = 0.75, 8  # bodies with a height below so much of another are learnt from more often
REAL_TIMES = 3  # so are films of CTs, which are few beside those of made spines
HANDLE = 0.3  # of the depth: how far those lie from the middle of the corners
LEVELS = 18  # T1 to L5, S1
T1, S1 = 8, 26
MAGIC = b"ENDPLATE NET 1\n"

# ---------------------------------------------------------------- networks


def conv(src, dst, cin, cout, size=3, stride=1, relu=True):
    return dict(op="conv", src=src, dst=dst, cin=cin, cout=cout, size=size, stride=stride, relu=relu)


def up(src, dst):
    return dict(op="up", src=src, dst=dst)


def add(src, other, dst):
    return dict(op="add", src=src, other=other, dst=dst, relu=True)


def block(src, dst, n):
    return [conv(src, dst + "h", n, n), conv(dst + "h", dst + "r", n, n, relu=False), add(src, dst + "r", dst)]


def merge(src, skip, dst, cin, cout):
    return [conv(src, dst + "n", cin, cout, size=1, relu=False), up(dst + "n", dst + "u"), add(dst + "u", skip, dst)]


def spotter():
    return [conv("x", "a", 2, 12, stride=2), conv("a", "b0", 12, 20, stride=2), *block("b0", "b", 20),
            conv("b", "c0", 20, 32, stride=2), *block("c0", "c", 32),
            conv("c", "d0", 32, 56, stride=2), *block("d0", "d", 56),
            conv("d", "e0", 56, 80, stride=2), *block("e0", "e1", 80), *block("e1", "e", 80),
            *merge("e", "d", "f0", 80, 56), conv("f0", "f", 56, 56),
            *merge("f", "c", "g0", 56, 32), conv("g0", "g", 32, 32),
            *merge("g", "b", "h0", 32, 20), conv("h0", "h1", 20, 28), conv("h1", "h", 28, 32),
            conv("h", "y", 32, 9 + LEVELS, size=1, relu=False)]


def corners():
    return [conv("x", "a", 2, 16), conv("a", "b0", 16, 24, stride=2), *block("b0", "b", 24),
            conv("b", "c0", 24, 40, stride=2), *block("c0", "c", 40),
            conv("c", "d0", 40, 64, stride=2), *block("d0", "d1", 64), *block("d1", "d", 64),
            *merge("d", "c", "e0", 64, 40), conv("e0", "e", 40, 40),
            *merge("e", "b", "f0", 40, 24), conv("f0", "f1", 24, 32), conv("f1", "f", 32, 32),
            conv("f", "y", 32, POINTS, size=1, relu=False)]


class Net(torch.nn.Module):
    """A list of layers; convolutions that are not the last have batch norms, which are folded when written."""

    def __init__(self, layers):
        super().__init__()
        self.layers = layers
        self.convs, self.norms = torch.nn.ModuleDict(), torch.nn.ModuleDict()
        for l in layers:
            if l["op"] != "conv":
                continue
            last = l["dst"] == "y"
            self.convs[l["dst"]] = torch.nn.Conv2d(l["cin"], l["cout"], l["size"], l["stride"], l["size"] // 2, bias=last)
            if not last:
                self.norms[l["dst"]] = torch.nn.BatchNorm2d(l["cout"])

    def forward(self, x):
        t = {"x": x}
        for l in self.layers:
            v = t[l["src"]]
            if l["op"] == "conv":
                v = self.convs[l["dst"]](v)
                if l["dst"] in self.norms:
                    v = self.norms[l["dst"]](v)
            elif l["op"] == "up":
                v = F.interpolate(v, scale_factor=2, mode="nearest")
            else:
                v = v + t[l["other"]]
            t[l["dst"]] = F.relu(v) if l.get("relu") else v
        return t["y"]

    def folded(self, name):
        c = self.convs[name]
        w, b = c.weight.detach(), c.bias.detach() if c.bias is not None else torch.zeros(c.out_channels)
        if name in self.norms:
            n = self.norms[name]
            k = n.weight.detach() / torch.sqrt(n.running_var + n.eps)
            w, b = w * k[:, None, None, None], (b - n.running_mean) * k + n.bias.detach()
        return w, b


def write(net, path, about):
    """Writes magic, length of the header, header and weights in half precision: of each convolution
    w[out][row][column][in], then its biases."""
    blob = []
    for l in net.layers:
        if l["op"] == "conv":
            w, b = net.folded(l["dst"])
            blob += [w.permute(0, 2, 3, 1).reshape(-1), b]
    blob = torch.cat(blob).half().numpy().astype("<f2").tobytes()
    header = json.dumps(dict(about, layers=net.layers), separators=(",", ":")).encode()
    with open(path + ".part", "wb") as f:
        f.write(MAGIC + len(header).to_bytes(4, "little") + header + blob)
    os.rename(path + ".part", path)


def read(net, path):
    """Takes the weights that write() wrote, with the biases as those of the batch norms."""
    with open(path, "rb") as f:
        blob = f.read()
    start = len(MAGIC)
    size = int.from_bytes(blob[start:start + 4], "little")
    header = json.loads(blob[start + 4:start + 4 + size])
    if header["layers"] != net.layers:
        raise SystemExit(f"{path}: not a network of these layers")
    values = torch.from_numpy(np.frombuffer(blob, "<f2", offset=start + 4 + size).astype(np.float32))
    for l in net.layers:
        if l["op"] != "conv":
            continue
        c, n = net.convs[l["dst"]], l["cout"] * l["size"] ** 2 * l["cin"]
        w, b, values = values[:n], values[n:n + l["cout"]], values[n + l["cout"]:]
        c.weight.data = w.reshape(l["cout"], l["size"], l["size"], l["cin"]).permute(0, 3, 1, 2).contiguous()
        norm = net.norms[l["dst"]] if l["dst"] in net.norms else None
        (c if norm is None else norm).bias.data = b.clone()
        if norm is not None:
            norm.running_var.fill_(1 - norm.eps)


def load(net, path):
    """Takes weights from a .net or a .pt."""
    if path.endswith(".net"):
        read(net, path)
    else:
        net.load_state_dict(torch.load(path))


@torch.no_grad()
def unfold(net, x):
    """Gives the batch norms of a network that was read what they make of x, so that it tells the
    same with them."""
    def meet(norm, given):
        mean, var = given[0].mean((0, 2, 3)), given[0].var((0, 2, 3), unbiased=False)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(var)
        norm.weight.copy_(torch.sqrt(var + norm.eps))
        norm.bias.add_(mean)
    net.eval()
    hooks = [n.register_forward_pre_hook(meet) for n in net.norms.values()]
    net(x)
    for h in hooks:
        h.remove()


def averaged(net, paths):
    """Takes the mean of weights (.pt) of one run or of runs that went on from each other."""
    each = [torch.load(p) for p in paths]
    net.load_state_dict({k: torch.stack([w[k].float() for w in each]).mean(0).to(v.dtype) for k, v in each[0].items()})


@torch.no_grad()
def met(net, batches):
    """Has the batch norms of a network meet films anew."""
    for n in net.norms.values():
        n.reset_running_stats()
        n.momentum = None  # the plain mean of all
    net.train()
    for x in batches:
        net(x)
    net.eval()

# ---------------------------------------------------------------- films


class Films:
    def __init__(self, folders):
        self.pixels, self.notes = [], []
        for d in folders:
            notes = [json.loads(line) for line in open(os.path.join(d, "films.jsonl"))]
            pixels = np.memmap(os.path.join(d, "films.bin"), dtype="<u2", mode="r").reshape(-1, ROWS, COLUMNS)
            for n, p in zip(notes, pixels):
                arrange(n)
                self.notes.append(n)
                self.pixels.append(p)
        self.real = [i for i, n in enumerate(self.notes) if n["bodies"] and not n["patient"].startswith("phantom")]

    def image(self, i):
        return torch.from_numpy(self.pixels[i].astype(np.float32) / FULL)


def arrange(n):
    """Adds to each body the way to the one below, and to anterior: half vectors of the pitch and the depth."""
    bodies = n["bodies"]
    for b in bodies:
        b["order"] = 17 if b["level"] == S1 else b["level"] - T1
        b["c"], b["p"] = np.array(b["center"]), np.array(b["points"])
    for i, b in enumerate(bodies):
        steps = []
        if i > 0 and bodies[i - 1]["order"] == b["order"] - 1:
            steps.append(b["c"] - bodies[i - 1]["c"])
        if i + 1 < len(bodies) and bodies[i + 1]["order"] == b["order"] + 1:
            steps.append(bodies[i + 1]["c"] - b["c"])
        b["down"] = np.mean(steps, axis=0) if steps else None
        p = b["p"]
        b["fore"] = (p[0] - p[2]) / 2 if b["half"] else (p[0] + p[3] - p[2] - p[5]) / 4
        if not b["half"]:
            handles = []
            for e in (0, 3):
                middle, depth = (p[e] + p[e + 2]) / 2, np.hypot(*(p[e] - p[e + 2]))
                for sign in (1, -1):
                    handles.append(middle + sign * HANDLE * depth * np.array(b["slopes"][e // 3]))
            b["ten"] = np.concatenate([p, handles])
            heights = np.hypot(*(p[:3] - p[3:]).T)
            b["times"] = TIMES if heights.min() < CRUSHED * heights.max() else 1
    # Of a CT nothing is known beyond the last body.
    n["void"] = [np.array(c) for c in n["unsure"]]
    if not n["patient"].startswith("phantom") and len(bodies) > 1:
        for a, b in ((bodies[0], bodies[1]), (bodies[-1], bodies[-2])):
            n["void"].append(2 * a["c"] - b["c"])


def box(x, reach):
    """The mean over a square window, of what lies within the image."""
    x = F.avg_pool2d(x, (2 * reach + 1, 1), 1, (reach, 0), count_include_pad=False)
    return F.avg_pool2d(x, (1, 2 * reach + 1), 1, (0, reach), count_include_pad=False)


def whole(x):
    """Makes what a network sees of brightness: relative to the image's own mean and spread."""
    mean, sd = x.mean((2, 3), keepdim=True), x.std((2, 3), keepdim=True, unbiased=False)
    return ((x - mean) / (sd + 1e-4)).clamp(-3, 3)


def seen(x, reach):
    """Makes what a network sees: brightness relative to what is about it, and to the whole picture's."""
    g = whole(x)
    mean = box(g, reach)
    sd = (box(g * g, reach) - mean * mean).clamp(min=0).sqrt()
    return torch.cat([((g - mean) / (sd + 0.02)).clamp(-3, 3), g], 1)


def tone(x, rng, inverted, noise):
    """Draws another brightness, contrast, noise and shading."""
    n, _, h, w = x.shape
    one = lambda low, high: torch.from_numpy(rng.uniform(low, high, (n, 1, 1, 1)).astype(np.float32))
    x = x.clamp(0, 1) ** torch.exp(one(-0.6, 0.6))
    field = torch.from_numpy(rng.normal(0, 1, (n, 1, 4, 4)).astype(np.float32))
    x = x + one(0, 0.12) * F.interpolate(field, (h, w), mode="bicubic", align_corners=True)
    x = x * one(0.5, 1.3) + one(-0.1, 0.3)
    if rng.random() < 0.15:
        x = x.clamp(0, 1)
    x = x + one(0, noise) * one(0, 1) * torch.from_numpy(rng.standard_normal((n, 1, h, w)).astype(np.float32))
    flip = torch.from_numpy((rng.random((n, 1, 1, 1)) < inverted).astype(np.float32))
    return x * (1 - 2 * flip) + flip


def resample(image, matrix, size):
    """Samples an image at points matrix @ (column, row, 1) for each pixel's centre of a size x size picture."""
    image, scale = image[None, None], float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    m = matrix.astype(np.float64).copy()
    while scale > 1.6:
        image = F.avg_pool2d(image, 2)
        m, scale = m / 2, scale / 2
    h, w = image.shape[2:]
    at = torch.arange(size, dtype=torch.float32) + 0.5
    col = (m[0, 0] * at[None, :] + m[0, 1] * at[:, None] + m[0, 2]) * 2 / w - 1
    row = (m[1, 0] * at[None, :] + m[1, 1] * at[:, None] + m[1, 2]) * 2 / h - 1
    return F.grid_sample(image, torch.stack([col, row], 2)[None].float(), mode="bilinear", padding_mode="border", align_corners=False)[0]


def cover(x, rng):
    """Lays bright or dark bars and letters' like over a picture."""
    for _ in range(rng.integers(0, 4)):
        h, w = x.shape[-2:]
        a, b = rng.integers(2, max(h // 10, 3)), rng.integers(2, max(w // 10, 3))
        i, j = rng.integers(0, h - a), rng.integers(0, w - b)
        x[..., i:i + a, j:j + b] = float(rng.uniform(0, 1))
    return x


def hide(x, films, rng, coarse, scale):
    """Makes a picture show less, as films of real patients do: its detail is fainter, and that of
    some CT's film, from anywhere and at any turn, lies over it. scale is a pixel's size on films."""
    one = x[None]
    fine = one - box(one, coarse)
    fainter = one - fine * float(rng.uniform(0, 0.6))
    if not films.real:
        return fainter[0]
    turn, size = rng.uniform(0, 2 * math.pi), x.shape[-1]
    a = scale * rng.uniform(0.6, 1.3) * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    centre = np.array([COLUMNS, ROWS]) * rng.uniform(0.35, 0.65, 2)
    m = np.concatenate([a, (centre - a @ [size / 2, size / 2])[:, None]], 1)
    other = resample(films.image(films.real[rng.integers(len(films.real))]), m, size)[None]
    other = other - box(other, coarse)
    return (fainter + float(rng.uniform(0, 0.8)) * fine.std() / (other.std() + 1e-4) * other)[0]

# ---------------------------------------------------------------- spotter


def spotter_sample(films, i, rng, plain):
    n = films.notes[i]
    image = films.image(i)
    # From the picture to the film: scale, turn, mirror, shift.
    fit = max(ROWS, COLUMNS) / SPOT
    scale = fit if plain else fit * rng.uniform(0.5, 1.3)
    turn = 0.0 if plain else math.radians(rng.normal(0, 9)) + (math.pi if rng.random() < 0.15 else 0)
    mirror = -1.0 if not plain and rng.random() < 0.5 else 1.0
    a = scale * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]) @ np.diag([mirror, 1.0])
    centre = np.array([COLUMNS, ROWS]) / 2
    if not plain:
        if n["bodies"]:
            c = n["bodies"][rng.integers(len(n["bodies"]))]["c"]
            centre = c + rng.uniform(-0.35, 0.35, 2) * scale * SPOT
        room = np.maximum(np.array([COLUMNS, ROWS]) - 0.8 * scale * SPOT, 0) / 2
        middle = np.array([COLUMNS, ROWS]) / 2
        centre = np.clip(centre, middle - room, middle + room)
    m = np.concatenate([a, (centre - a @ [SPOT / 2, SPOT / 2])[:, None]], 1)
    return resample(image, m, SPOT), spotter_target(n, m)


def spotter_target(n, m):
    cells = SPOT // CELL
    inverse = np.linalg.inv(m[:, :2])
    place = lambda p: inverse @ (p - m[:, 2]) / CELL
    heat, weight = np.zeros((cells, cells), np.float32), np.ones((cells, cells), np.float32)
    vectors, level, near = np.zeros((8, cells, cells), np.float32), np.zeros((cells, cells), np.int64), np.zeros((cells, cells), np.float32)
    grid = np.arange(cells) + 0.5
    for p in n["void"]:
        x, y = place(p)
        weight[(grid[None, :] - x) ** 2 + (grid[:, None] - y) ** 2 < 9] = 0
    for b in n["bodies"]:
        x, y = place(b["c"])
        if not (0 <= x < cells and 0 <= y < cells):
            continue
        ends = [place(p) for p in (b["p"][:3] if b["half"] else b["p"])]
        if any(not (0 <= e[0] < cells and 0 <= e[1] < cells) for e in ends) or b["down"] is None:
            weight[(grid[None, :] - x) ** 2 + (grid[:, None] - y) ** 2 < 9] = 0
            continue
        down, fore = inverse @ b["down"] / CELL, inverse @ b["fore"] / CELL
        pitch = np.hypot(*down)  # the spine's axis, whichever way is down: twice its angle
        axis = np.array([down[0] ** 2 - down[1] ** 2, 2 * down[0] * down[1]]) / pitch / 8
        sigma = max(0.13 * np.hypot(*down), 0.6)
        d2 = (grid[None, :] - x) ** 2 + (grid[:, None] - y) ** 2
        heat = np.maximum(heat, np.exp(-d2 / (2 * sigma * sigma)).astype(np.float32))
        i, j = int(y), int(x)
        heat[i, j], weight[i, j] = 1, 1
        for r in range(max(i - 1, 0), min(i + 2, cells)):
            for c in range(max(j - 1, 0), min(j + 2, cells)):
                if near[r, c] and d2[r, c] > near[r, c]:
                    continue
                near[r, c] = d2[r, c] + 1e-6
                vectors[:, r, c] = x - grid[c], y - grid[r], *down / 8, *fore / 4, *axis
                level[r, c] = b["order"]
    return heat, weight, vectors, level, (near > 0).astype(np.float32)


def spotter_loss(y, heat, weight, vectors, level, near):
    logit = y[:, 0]
    p = torch.sigmoid(logit).clamp(1e-5, 1 - 1e-5)
    at = (heat > 0.999).float()
    count = at.sum().clamp(min=1)
    hit = -(torch.log(p) * (1 - p) ** 2 * at).sum() / count
    miss = -(torch.log(1 - p) * p ** 2 * (1 - heat) ** 4 * weight * (1 - at)).sum() / count
    total = near.sum().clamp(min=1)
    way = ((y[:, 1:9] - vectors).abs() * near[:, None]).sum() / total
    name = (F.cross_entropy(y[:, 9:], level, reduction="none") * near).sum() / total
    return hit + miss + way + 0.4 * name, (hit.item(), miss.item(), way.item(), name.item())


def spotter_batch(films, order, rng, plain=False):
    xs, ts = zip(*(spotter_sample(films, i, rng, plain) for i in order))
    x = torch.stack(xs)
    if not plain:
        x = torch.stack([hide(v, films, rng, SPOT // 16, max(ROWS, COLUMNS) / SPOT) if rng.random() < 0.3 else v for v in x])
        x = tone(torch.stack([cover(v, rng) for v in x]), rng, 0.12, 0.004)
    return seen(x, SPOT // 32), [torch.from_numpy(np.stack(t)) for t in zip(*ts)]

# ---------------------------------------------------------------- corners


def patches(films, i, rng, plain):
    n = films.notes[i]
    image = films.image(i)
    out, targets = [], []
    for b in [b for b in n["bodies"] for _ in range(1 if plain else b.get("times", 1))]:
        if b["half"] or b["down"] is None:
            continue
        pitch = np.hypot(*b["down"])
        if pitch < 8:
            continue
        turn = math.atan2(-b["down"][0], b["down"][1])  # of the spine's axis against the film's
        scale, centre = PATCH_SPAN * pitch / PATCH, b["c"]
        if not plain:
            turn += math.radians(rng.normal(0, 8))
            scale *= math.exp(rng.normal(0, 0.11))
            centre = centre + rng.normal(0, 0.1, 2) * pitch
            if rng.random() < 0.35:  # as where bodies are looked for along the spine
                centre = centre + rng.uniform(-0.45, 0.45) * b["down"]
                scale *= math.exp(rng.normal(0, 0.1))
        down = np.array([-math.sin(turn), math.cos(turn)])
        across = np.array([down[1], -down[0]])  # to the film's right where down is down
        if np.dot(across, b["fore"]) < 0:
            across = -across
        a = scale * np.stack([across, down], 1)
        m = np.concatenate([a, (centre - a @ [PATCH / 2, PATCH / 2])[:, None]], 1)
        out.append(resample(image, m, PATCH))
        targets.append((np.linalg.inv(a) @ (b["ten"] - m[:, 2]).T).T / PATCH_CELL)
    return out, targets


def corners_batch(films, order, rng, plain=False):
    xs, ts = [], []
    for i in order:
        x, t = patches(films, i, rng, plain)
        xs, ts = xs + x, ts + t
    if not xs:
        return None
    x = torch.stack(xs)
    if not plain:
        x = torch.stack([hide(v, films, rng, PATCH // 4, 1.0) if rng.random() < 0.15 else v for v in x])
        x = tone(torch.stack([cover(v, rng) if rng.random() < 0.3 else v for v in x]), rng, 0.1, 0.012)
    return seen(x, PATCH // 8), torch.from_numpy(np.stack(ts).astype(np.float32))


def means(y):
    """Returns the mean and the variance of where each map says that its point lies, cells."""
    n, k, h, w = y.shape
    p = F.softmax(y.reshape(n, k, h * w), 2).reshape(n, k, h, w)
    at = torch.arange(h, dtype=torch.float32) + 0.5
    col, row = (p.sum(2) * at).sum(2), (p.sum(3) * at).sum(2)
    spread = (p.sum(2) * at ** 2).sum(2) - col ** 2 + (p.sum(3) * at ** 2).sum(2) - row ** 2
    return torch.stack([col, row], 2), spread


def heights(p):
    """Returns the anterior, middle and posterior heights of bodies' points, cells."""
    return (p[:, :3] - p[:, 3:6]).norm(dim=2)


def corners_loss(y, t):
    """The cross entropy of the map with the point, shared out to the four cells about it, the
    distance of the map's mean, and how far heights are from the true ones in proportion."""
    n, k, h, w = y.shape
    log = F.log_softmax(y.reshape(n, k, h * w), 2)
    inside = ((t > 0.5) & (t < h - 0.5)).all(2).float()
    q = (t - 0.5).clamp(0, h - 1.001)
    i, f = q.floor().long(), q - q.floor()
    loss = 0
    for dx in (0, 1):
        for dy in (0, 1):
            share = (f[..., 0] if dx else 1 - f[..., 0]) * (f[..., 1] if dy else 1 - f[..., 1])
            loss = loss - share * log.gather(2, ((i[..., 1] + dy) * w + i[..., 0] + dx)[..., None])[..., 0]
    mean, _ = means(y)
    far = F.smooth_l1_loss(mean, t, reduction="none", beta=0.3).sum(2)
    total = inside.sum().clamp(min=1)
    entropy, distance = (loss * inside).sum() / total, (far * inside).sum() / total
    six = inside[:, :6].all(1).float()
    ratio = torch.log(heights(mean).clamp(min=0.5) / heights(t).clamp(min=0.5)).abs().mean(1)
    tall = (ratio * six).sum() / six.sum().clamp(min=1)
    return entropy + 0.7 * distance + 2 * tall, (entropy.item(), distance.item(), tall.item())

# ---------------------------------------------------------------- training


def run(args):
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    films = Films(args.set)
    who = [n["patient"] for n in films.notes]
    tried = {p for p in set(who) if p.startswith("phantom") and int(p.split()[1]) % 20 == 7}
    train = [i for i, p in enumerate(who) if p not in tried for _ in range(REAL_TIMES if i in films.real else 1)]
    test = [i for i, p in enumerate(who) if p in tried]
    layers, batch, loss = (spotter(), spotter_batch, spotter_loss) if args.net == "spotter" else (corners(), corners_batch, corners_loss)
    net = Net(layers)
    if args.net == "spotter":
        net.convs["y"].bias.data[0] = -4.0  # most places are no centre
    if args.resume:
        load(net, args.resume)
        if args.resume.endswith(".net"):
            unfold(net, batch(films, rng.permutation(train)[:32], rng)[0])
    if args.average:
        averaged(net, args.average)
        chosen = (rng.choice(train, 8) for _ in range(40))
        met(net, (b[0] for b in (batch(films, c, rng) for c in chosen) if b is not None))
        return save(net, args, 0, trial(net, films, test, batch, loss))
    net = net.to(memory_format=torch.channels_last)
    print(f"{args.net}: {sum(p.numel() for p in net.parameters())} parameters, {len(set(train))} films, {len(test)} to try on", flush=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=1e-4)
    begun, seen, parts, step = time.time(), [], [], 0
    order = []
    while True:
        done = (time.time() - begun) / (60 * args.minutes) if args.minutes else step / args.steps
        if done >= 1:
            break
        for g in optimizer.param_groups:
            g["lr"] = args.rate * min(1, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        if len(order) < args.batch:
            order += list(rng.permutation(train))
        chosen, order = order[:args.batch], order[args.batch:]
        b = batch(films, chosen, rng)
        if b is None:
            continue
        net.train()
        y = net(b[0].contiguous(memory_format=torch.channels_last))
        value, part = loss(y, *(b[1] if isinstance(b[1], list) else [b[1]]))
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5)
        optimizer.step()
        seen.append(value.item())
        parts.append(part)
        step += 1
        if step % args.every == 0:
            held = trial(net, films, test, batch, loss)
            print(f"{step} {time.time() - begun:.0f} s loss {np.mean(seen):.4f} {np.round(np.mean(parts, 0), 4)} held out {held}", flush=True)
            seen, parts = [], []
            save(net, args, step, held)
    save(net, args, step, trial(net, films, test, batch, loss))


@torch.no_grad()
def trial(net, films, test, batch, loss):
    net.eval()
    rng, values, errors = np.random.default_rng(0), [], []
    for k in range(0, min(len(test), 96), 8):
        b = batch(films, test[k:k + 8], rng, plain=True)
        if b is None:
            continue
        y = net(b[0])
        values.append(loss(y, *(b[1] if isinstance(b[1], list) else [b[1]]))[1])
        if len(b) == 2 and torch.is_tensor(b[1]):
            errors.append((means(y)[0] - b[1]).norm(dim=2).mean(0).numpy())
    out = np.round(np.mean(values, 0), 4).tolist()
    if errors:
        out.append(np.round(np.mean(errors, 0), 3).tolist())
    return out


def save(net, args, step, held):
    net.eval()
    torch.save(net.state_dict(), args.out + ".pt")
    about = dict(name=args.net, trained=dict(seed=args.seed, steps=step, batch=args.batch, rate=args.rate, held_out=held,
                 date=time.strftime("%Y-%m-%d", time.gmtime()), torch=torch.__version__, resumed=bool(args.resume)))
    write(net, args.out + ".net", about)


def vectors(args):
    """Writes an input and what torch makes of it with the weights as they are written, for the test of the Go code."""
    torch.manual_seed(1)
    net = Net(spotter() if args.net == "spotter" else corners())
    load(net, args.resume)
    net.eval()
    for l in net.layers:
        if l["op"] == "conv":
            w, b = net.folded(l["dst"])
            c = net.convs[l["dst"]]
            c.weight.data = w.half().float()
            c.bias = torch.nn.Parameter(b.half().float())
            if l["dst"] in net.norms:
                net.norms[l["dst"]] = torch.nn.Identity()
    size = 64
    x = torch.randn(1, 2, size, size).half().float()
    with torch.no_grad():
        y = net(x)[0]
    with open(args.out, "wb") as f:
        for v in (x[0], y):
            f.write(v.permute(1, 2, 0).contiguous().numpy().astype("<f4").tobytes())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("net", choices=["spotter", "corners"])
    p.add_argument("--set", nargs="+", default=[], help="folders of films.bin and films.jsonl")
    p.add_argument("--out", required=True, help="OUT.pt and OUT.net are written")
    p.add_argument("--resume", help="weights (.pt or .net) to begin with")
    p.add_argument("--average", nargs="+", help="write the mean of weights (.pt) instead")
    p.add_argument("--vectors", action="store_true", help="write a test vector of --resume to OUT instead")
    p.add_argument("--minutes", type=float, default=0, help="how long, instead of --steps")
    p.add_argument("--steps", type=int, default=3000)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--every", type=int, default=100)
    args = p.parse_args()
    vectors(args) if args.vectors else run(args)


if __name__ == "__main__":
    main()
