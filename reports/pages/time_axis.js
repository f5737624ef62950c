// The axis of the diagram: from time to place and back.

"use strict";

// A run is bursts of milliseconds with seconds between. On a squeezed axis a stretch in which nothing
// happens is as wide as the logarithm of its length, so that each burst can be read; the order of
// time stays. On a plain axis every second is as wide as any other.
class TimeAxis {
  constructor(model) {
    const times = new Set([0, model.end]);
    for (let i = 0; i < model.events.rows; ++i) {
      times.add(model.events.at[i]);
    }
    for (let i = 0; i < model.messages.rows; ++i) {
      times.add(model.messages.sent[i]);
      if (model.messages.took[i] >= 0) {
        times.add(model.messages.sent[i] + model.messages.took[i]);
      }
    }
    this.times = Float64Array.from(times).sort();
    this.places = new Float64Array(this.times.length);
    const scale = 300;  // microseconds: about what a message takes
    for (let i = 1; i < this.times.length; ++i) {
      const gap = this.times[i] - this.times[i - 1];
      this.places[i] = this.places[i - 1] + scale * Math.log1p(gap / scale);
    }
    this.squeezed = true;
    this.columns = new Map();
  }

  // The places of a column of times.
  placesOf(times) {
    if (!this.squeezed) {
      return times;
    }
    if (!this.columns.has(times)) {
      this.columns.set(times, times.map((at) => this.placeOf(at)));
    }
    return this.columns.get(times);
  }

  get end() {
    return this.placeOf(this.times[this.times.length - 1]);
  }

  placeOf(at) {
    return this.squeezed ? interpolate(this.times, this.places, at) : at;
  }

  timeOf(place) {
    return this.squeezed ? interpolate(this.places, this.times, place) : place;
  }
}

// Where `x` of the sorted `from` lies in `to`; outside of them, as far outside.
function interpolate(from, to, x) {
  const last = from.length - 1;
  if (x <= from[0] || x >= from[last]) {
    return x <= from[0] ? to[0] + (x - from[0]) : to[last] + (x - from[last]);
  }
  const above = firstAtLeast(from, x);
  const part = (x - from[above - 1]) / (from[above] - from[above - 1]);
  return to[above - 1] + part * (to[above] - to[above - 1]);
}

// The first index of a sorted column whose value is at least `value`.
function firstAtLeast(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
