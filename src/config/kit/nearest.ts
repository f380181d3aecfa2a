/** Edits (insert, delete, replace, swap of neighbours) that turn one text into the other. */
function distance(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    const above = rows[row - 1] ?? [];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let best = Math.min(
        (above[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (above[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        best = Math.min(best, (rows[row - 2]?.[column - 2] ?? Infinity) + 1);
      }
      current.push(best);
    }
    rows.push(current);
  }
  return rows[from.length]?.[to.length] ?? Infinity;
}

/** The candidate a person most likely meant, or undefined when none is near. */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  const asked = text.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(asked.length / 3)) + 1;
  for (const candidate of candidates) {
    const known = candidate.toLowerCase();
    // A word cut short, or with more behind it, is one slip, however long the rest.
    const cut = asked.length > 2 && known.length > 2 && (known.startsWith(asked) || asked.startsWith(known));
    const far = cut ? Math.min(1, Math.abs(known.length - asked.length)) : distance(asked, known);
    if (far < bestDistance) [best, bestDistance] = [candidate, far];
  }
  return best;
}
