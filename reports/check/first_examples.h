// reports/check/first_examples.h
//
// The first examples of many that come in no order, without keeping the others.

#pragma once

#include <algorithm>
#include <vector>

#include "reports/judge.h"

namespace reports::check {

// Into a heap that holds kExamplesMax at most, the last by `earlier` on top; std::ranges::sort_heap
// puts it in order.
template <class Example, class Earlier>
void keep_first(std::vector<Example>& heap, Example example, Earlier earlier) {
  heap.push_back(std::move(example));
  std::ranges::push_heap(heap, earlier);
  if (heap.size() > kExamplesMax) {
    std::ranges::pop_heap(heap, earlier);
    heap.pop_back();
  }
}

}  // namespace reports::check
