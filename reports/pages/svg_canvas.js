// Takes the drawing calls of a canvas and writes an SVG picture: the diagram of a page can be saved,
// drawn by the same code. Only what the diagram uses.

"use strict";

class SvgCanvas {
  constructor(width, height, measure) {
    this.width = width;
    this.height = height;
    this.measure = measure;  // a real canvas's context, which knows how wide text is
    this.parts = [];
    this.path = [];
    this.dash = [];
    this.fillStyle = "#000";
    this.strokeStyle = "#000";
    this.lineWidth = 1;
    this.globalAlpha = 1;
    this.font = "10px sans-serif";
    this.textAlign = "left";
    this.textBaseline = "alphabetic";
  }

  setLineDash(dash) { this.dash = dash; }
  beginPath() { this.path = []; }
  moveTo(x, y) { this.path.push(`M${round(x)} ${round(y)}`); }
  lineTo(x, y) { this.path.push(`L${round(x)} ${round(y)}`); }
  closePath() { this.path.push("Z"); }

  // Whole circles only.
  arc(x, y, r) {
    this.path.push(`M${round(x - r)} ${round(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`);
  }

  rect(x, y, width, height) {
    this.path.push(`M${round(x)} ${round(y)}h${round(width)}v${round(height)}h${round(-width)}Z`);
  }

  fill() { this.add(`<path d="${this.path.join("")}" fill="${this.fillStyle}"${this.alpha()}/>`); }
  stroke() { this.add(`<path d="${this.path.join("")}" fill="none"${this.pen()}/>`); }

  fillRect(x, y, width, height) {
    this.add(`<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" ` +
             `fill="${this.fillStyle}"${this.alpha()}/>`);
  }

  measureText(text) {
    this.measure.font = this.font;
    return this.measure.measureText(text);
  }

  fillText(text, x, y) {
    const anchor = { left: "start", center: "middle", right: "end" }[this.textAlign];
    const shift = { alphabetic: 0, middle: 0.35, top: 0.8 }[this.textBaseline];
    const size = parseFloat(this.font.match(/[\d.]+px/)[0]);
    const weight = this.font.startsWith("6") || this.font.startsWith("bold") ? ` font-weight="600"` : "";
    this.add(`<text x="${round(x)}" y="${round(y + shift * size)}" font-size="${size}"${weight} ` +
             `text-anchor="${anchor}" fill="${this.fillStyle}"${this.alpha()}>${escapeXml(text)}</text>`);
  }

  alpha() { return this.globalAlpha < 1 ? ` opacity="${round(this.globalAlpha)}"` : ""; }

  pen() {
    const dash = this.dash.length > 0 ? ` stroke-dasharray="${this.dash.join(" ")}"` : "";
    return ` stroke="${this.strokeStyle}" stroke-width="${this.lineWidth}"${dash}${this.alpha()}`;
  }

  add(part) { this.parts.push(part); }

  toString() {
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${this.width} ${this.height}" ` +
      `width="${this.width}" height="${this.height}" ` +
      `font-family="system-ui, 'Helvetica Neue', Arial, sans-serif">\n${this.parts.join("\n")}\n</svg>\n`;
  }
}

function round(number) {
  return Math.round(number * 100) / 100;
}

// What XML has no place for becomes a replacement character.
function escapeXml(text) {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c])
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd");
}
