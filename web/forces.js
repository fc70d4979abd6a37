// Where the nodes of a graph are drawn: they push each other away, lines pull
// them together, and all are drawn to the middle (Fruchterman and Reingold,
// 1991; only nodes in neighbouring cells of a grid push each other, so that a
// step takes time in proportion to nodes and lines).

/** How far nodes push each other, and how long a line wants to be. */
const REACH = 90;
const LENGTH = 36;
const STEPS = 260;

/**
 * @param {number} count of nodes
 * @param {[number, number, number][]} lines between nodes, with their strength from 0 to 1
 * @param {number} [aspect] width of the picture by its height
 */
export function layout(count, lines, aspect = 1) {
  const x = new Float32Array(count);
  const y = new Float32Array(count);
  const degree = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    // A spiral like that of a sunflower: nothing in one place, the first in the middle.
    const radius = 14 * Math.sqrt(i + 0.5);
    x[i] = radius * Math.cos(i * 2.399963);
    y[i] = radius * Math.sin(i * 2.399963);
  }
  for (const [a, b] of lines) {
    degree[a]++;
    degree[b]++;
  }
  const dx = new Float32Array(count);
  const dy = new Float32Array(count);
  let done = 0;

  function push() {
    /** @type {Map<string, number[]>} */
    const cells = new Map();
    for (let i = 0; i < count; i++) {
      const cell = `${Math.floor(x[i] / REACH)},${Math.floor(y[i] / REACH)}`;
      const there = cells.get(cell);
      if (there) there.push(i);
      else cells.set(cell, [i]);
    }
    for (const [cell, here] of cells) {
      const [cx, cy] = cell.split(",").map(Number);
      for (let ox = -1; ox <= 1; ox++)
        for (let oy = -1; oy <= 1; oy++) {
          const near = cells.get(`${cx + ox},${cy + oy}`);
          if (near) for (const i of here) for (const j of near) if (i < j) repel(i, j);
        }
    }
  }

  /** @param {number} i @param {number} j */
  function repel(i, j) {
    const [ax, ay] = [x[i] - x[j], y[i] - y[j]];
    const square = Math.max(ax * ax + ay * ay, 4);
    if (square > REACH * REACH) return;
    const force = (LENGTH * LENGTH) / square;
    dx[i] += ax * force;
    dy[i] += ay * force;
    dx[j] -= ax * force;
    dy[j] -= ay * force;
  }

  /** Moves all nodes a little. @returns {boolean} whether there is more to do */
  function step() {
    dx.fill(0);
    dy.fill(0);
    push();
    for (const [a, b, strength] of lines) {
      const [ax, ay] = [x[b] - x[a], y[b] - y[a]];
      // A node with many lines is not torn towards all of them.
      const pull = (strength * Math.hypot(ax, ay)) / LENGTH;
      dx[a] += (ax * pull) / degree[a];
      dy[a] += (ay * pull) / degree[a];
      dx[b] -= (ax * pull) / degree[b];
      dy[b] -= (ay * pull) / degree[b];
    }
    const most = 24 * (1 - done / STEPS) + 0.5;
    for (let i = 0; i < count; i++) {
      // More to the middle where there is less room.
      dx[i] -= (x[i] * 0.03) / aspect;
      dy[i] -= y[i] * 0.03 * aspect;
      const size = Math.hypot(dx[i], dy[i]) || 1;
      x[i] += (dx[i] / size) * Math.min(size, most);
      y[i] += (dy[i] / size) * Math.min(size, most);
    }
    return ++done < STEPS;
  }
  return { x, y, step };
}
