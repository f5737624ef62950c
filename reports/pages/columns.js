// The tables of a page: see reports/pages/columns.h for how they are written.

"use strict";

// A column as numbers. Beyond 2^53 the last digits are not exact, as nowhere in this language.
function decodeColumn(text, rows) {
  const bytes = atob(text);
  const values = new Float64Array(rows);
  let place = 0;
  const next = () => {
    let number = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes.charCodeAt(place++);
      number += (byte & 127) * scale;
      if (byte < 128) {
        return number;
      }
    }
  };
  let value = 0;
  for (let row = 0; row < rows;) {
    const zigzag = next();
    const count = zigzag === 0 ? next() : 1;
    value += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    values.fill(value, row, row + count);
    row += count;
  }
  return values;
}

// {rows, name: numbers, ...}
function decodeTable(table) {
  const decoded = { rows: table.rows };
  for (const [name, column] of Object.entries(table)) {
    if (name !== "rows") {
      decoded[name] = decodeColumn(column, table.rows);
    }
  }
  return decoded;
}
