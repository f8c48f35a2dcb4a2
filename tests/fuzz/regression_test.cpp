// The fuzz targets without a fuzzer: every file of the corpus, and inputs made from them by
// changes that a seed decides, so that every compiler and sanitizer tries them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/ids.hpp"
#include "tests/fuzz/targets.hpp"

namespace weir::fuzz {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> corpus(std::string_view target) {
  std::vector<fs::path> files;
  for (const auto& file : fs::directory_iterator(fs::path(WEIR_FUZZ_CORPUS) / target)) {
    files.push_back(file.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> inputs;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return inputs;
}

// WEIR_FUZZ_ROUNDS=N tries more, for as long as you like.
int rounds(std::string_view target) {
  if (const char* asked = std::getenv("WEIR_FUZZ_ROUNDS")) return std::atoi(asked);
  return target == "snapshot" || target == "jobs" ? 200 : 3'000;  // they write
}

class Mutator {
 public:
  explicit Mutator(const std::vector<std::string>& seeds) : seeds_(seeds) {}

  std::string next() {
    std::string text = any();
    for (std::uint64_t change = 0; change <= below(4); ++change) mutate(text);
    if (text.size() > kLongest) text.resize(kLongest);
    return text;
  }

 private:
  static constexpr std::size_t kLongest = 16U << 10U;

  std::uint64_t below(std::uint64_t limit) { return random_.next() % limit; }
  const std::string& any() { return seeds_[below(seeds_.size())]; }

  void mutate(std::string& text) {
    using namespace std::string_view_literals;
    static constexpr auto kSpecial = "\0\"\\{}[]:,%/?&=#\r\n \xff\x80*-0e"sv;
    const std::size_t at = text.empty() ? 0 : below(text.size());
    const std::size_t length = 1 + below(16);
    switch (below(6)) {
      case 0:
        if (!text.empty()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        return;
      case 1:
        text.insert(at, 1, kSpecial[below(kSpecial.size())]);
        return;
      case 2:
        if (!text.empty()) text.erase(at, length);
        return;
      case 3:
        text.insert(at, std::string(text, at, length));
        return;
      case 4: {
        const std::string& other = any();
        const std::size_t from = other.empty() ? 0 : below(other.size());
        text.insert(at, other.substr(from, length * 4));
        return;
      }
      default:
        text.insert(at, std::to_string(static_cast<std::int64_t>(random_.next())));
    }
  }

  const std::vector<std::string>& seeds_;
  SeededRandom random_{7};
};

class FuzzRegression : public testing::TestWithParam<Target> {};

TEST_P(FuzzRegression, HoldsOnTheCorpusAndItsNeighbours) {
  const auto& target = GetParam();
  const auto seeds = corpus(target.name);
  ASSERT_FALSE(seeds.empty());
  for (const auto& input : seeds) target.run(input);
  Mutator mutator(seeds);
  const int count = rounds(target.name);
  for (int i = 0; i < count; ++i) target.run(mutator.next());
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzRegression, testing::ValuesIn(kTargets),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace weir::fuzz
