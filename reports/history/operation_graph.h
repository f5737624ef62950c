// reports/history/operation_graph.h
//
// Which operation came before which, and where that is contradictory: a cycle. The graph is that of
// Adya's thesis (Weak Consistency, 1999) as Elle (Kingsbury, Alvaro, VLDB 2020) takes it from
// histories.
//
// Shapes    Vertices are operations, and behind them instants: of the world and of each process,
//           one for each acknowledgement there. What was acknowledged comes before its instant, an
//           instant before the next and before what begins then. So time takes a few edges for each
//           operation, not one for each pair.

#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <boost/graph/compressed_sparse_row_graph.hpp>

#include "reports/history/history.h"
#include "reports/history/logs.h"

namespace reports::history {

// An edge, from what came before.
using Precedence = std::pair<std::uint32_t, std::uint32_t>;

enum Why : std::uint8_t {
  kPolls = 1,      // wr: the second polled what the first sent
  kSends = 2,      // ww: the second sent the next message of a log
  kProcesses = 4,  // the second came later in the same process
  kTime = 8        // the first was acknowledged before the second was invoked
};

// Only operations that took effect poll and send: what was aborted tells nothing. One that is not
// acknowledged may take effect long after it was given up, so nothing comes after it in its process
// or in time.
struct Precedences {
  std::vector<Precedence> edges;
  std::uint32_t operations = 0;
  std::uint32_t vertices = 0;  // those from `operations` on are instants

  // Operations are numbered as they end, and those that never end come last: processes and time
  // go up. Where what was polled and sent does, too, there is no way back.
  bool has_way_back = false;
};

// `why` is a sum.
Precedences precedences_of(const History& history, const Logs& logs, std::uint8_t why);

class OperationGraph {
 public:
  explicit OperationGraph(const Precedences& precedences);

  using Component = std::vector<OperationNumber>;  // ascending

  // Operations of which each comes before each other; in the order of their first ones.
  [[nodiscard]] std::vector<Component> contradictory() const;

  // The shortest cycle in such a component, from its lowest number on; in a huge component, a
  // short one.
  [[nodiscard]] std::vector<OperationNumber> shortest_cycle(const Component& component);

 private:
  using Graph = boost::compressed_sparse_row_graph<boost::directedS,
                                                   boost::no_property,
                                                   boost::no_property,
                                                   boost::no_property,
                                                   std::uint32_t,
                                                   std::uint32_t>;

  [[nodiscard]] std::vector<OperationNumber> cycle_through(OperationNumber start,
                                                           std::size_t shorter_than);
  [[nodiscard]] std::vector<OperationNumber> path_to(std::uint32_t end) const;

  std::uint32_t operations_;
  Graph graph_;
  std::vector<std::uint32_t> parents_;    // by vertex, of the walk that reached it
  std::vector<std::uint32_t> distances_;  // by vertex, in operations
  std::vector<std::uint32_t> reached_;    // the vertices of the last walk
  std::size_t steps_ = 0;                 // edges that walks have looked at
};

}  // namespace reports::history
