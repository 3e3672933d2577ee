/* Where tiles go: rows as wide as the space, from numbers alone. */

const MAX_TILES_IN_ROW = 24;
const MAX_STRETCH = 1.35; // of a last row; beyond it the row is left short
const SHORT_ROW_SCALE = 1.1; // how tall it is then
const SHORT_ROW_COST = 0.15; // and what it counts, on the scale of squared logarithms below

/**
 * Break tiles into rows as wide as the space. Breaks are chosen for all rows together, so that their heights come as
 * near to the target as they can (as Knuth and Plass break paragraphs).
 *
 * @param {number[]} ratios - width by height of each tile
 * @param {number} space - the width of a row, in pixels, as are the next two
 * @param {number} target - the wanted height of a row
 * @param {number} gap - between tiles
 * @returns {{width: number, height: number}[][]} rows of tiles, in whole pixels
 */
export function justify(ratios, space, target, gap) {
  const best = bestBreaks(ratios, space, target, gap);
  const rows = [];
  for (let end = ratios.length; end > 0; end = best[end].start) {
    const { start, height } = best[end];
    rows.unshift(sizeRow(ratios.slice(start, end), height, space, gap));
  }
  return rows;
}

/** For each number of tiles: the start and height of the last row, and the cost of all rows up to it. */
function bestBreaks(ratios, space, target, gap) {
  const best = [{ cost: 0, start: 0, height: 0 }];
  for (let end = 1; end <= ratios.length; end++) {
    best[end] = { cost: Infinity, start: 0, height: 0 };
    let sum = 0;
    for (let start = end - 1; start >= 0 && end - start <= MAX_TILES_IN_ROW; start--) {
      sum += ratios[start];
      const full = (space - gap * (end - start - 1)) / sum; // the height at which the row fills the space
      const isShort = end === ratios.length && full > target * MAX_STRETCH;
      const height = isShort ? target * SHORT_ROW_SCALE : full;
      const cost = best[start].cost + (isShort ? SHORT_ROW_COST : Math.log(full / target) ** 2);
      if (cost < best[end].cost) best[end] = { cost, start, height };
      if (height < target / 3) break;
    }
  }
  return best;
}

/** Sizes in whole pixels; what rounding took goes to the last tile. */
function sizeRow(ratios, height, space, gap) {
  const tall = Math.max(1, Math.round(height));
  const row = ratios.map((ratio) => ({ width: Math.max(1, Math.floor(ratio * height)), height: tall }));
  const rest = space - gap * (row.length - 1) - row.reduce((sum, tile) => sum + tile.width, 0);
  if (rest < row.length * 2) row[row.length - 1].width += Math.floor(rest);
  return row;
}
