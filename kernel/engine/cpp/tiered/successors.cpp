// What may be called soon: whoever compiles one function for the first time may as well compile others with it, since the
// code generator takes as long to start as it takes for fifty instructions.
#include "tiered.h"

using namespace llvm;

namespace bareflow {
namespace {

// What is less likely than this is not looked at any further.
constexpr double least_likelihood = 0.1;
// How many neighbours of a function are told.
constexpr size_t most_neighbours = 16;

class Search {
public:
  Search(const llvm_tiered &program, size_t most) : program(program), compiler(*program.compiler), most(most) {}

  std::vector<llvm_successor_t> run(const Unit &unit) {
    seen.insert(unit.index);
    add_calls(unit.owner().index, 1);
    while (!open.empty() && found.size() < most) {
      auto likeliest = std::max_element(open.begin(), open.end(), [](auto &one, auto &other) {
        return one.second < other.second;
      });
      auto [next, likelihood] = *likeliest;
      open.erase(likeliest);
      if (!seen.insert(next).second)
        continue;
      tell(next, likelihood);
      add_calls(next, likelihood);
    }
    if (!unit.is_loop() && unit.function->hasAddressTaken())
      add_neighbours(unit);
    return std::move(found);
  }

private:
  bool has_no_code(uint32_t unit) const { return !program.has_code(unit); }

  void tell(uint32_t unit, double likelihood) {
    found.push_back({unit, compiler.units[unit].instructions,
                     static_cast<uint32_t>(likelihood * 1000)});
  }

  void add_calls(uint32_t function, double likelihood) {
    for (const LikelyCall &call : compiler.sizes.calls_of(compiler.units, function)) {
      auto unit = compiler.counters.functions.find(call.callee);
      // Most of what is called once is called again.
      double missed = 1 - call.likelihood;
      double reached = likelihood * (1 - missed * missed);
      if (unit != compiler.counters.functions.end() && reached >= least_likelihood &&
          has_no_code(unit->second) && !seen.contains(unit->second))
        open.push_back({unit->second, reached});
    }
  }

  void add_neighbours(const Unit &unit) {
    size_t count = 0;
    for (size_t next = unit.index + 1;
         next < compiler.units.size() && count < most_neighbours && found.size() < most; ++next) {
      const Unit &other = compiler.units[next];
      if (other.is_loop() || !other.function->hasAddressTaken() || !has_no_code(other.index) ||
          !seen.insert(other.index).second)
        continue;
      tell(other.index, 0);
      ++count;
    }
  }

  const llvm_tiered &program;
  Compiler &compiler;
  size_t most;
  DenseSet<uint32_t> seen;
  std::vector<std::pair<uint32_t, double>> open;
  std::vector<llvm_successor_t> found;
};

} // namespace

std::vector<llvm_successor_t> find_successors(const llvm_tiered &program, const Unit &unit,
                                              size_t most) {
  return Search(program, most).run(unit);
}

} // namespace bareflow
