// Scores of sorted sets: doubles, infinities allowed, no NaN. In the tables a score is an integer
// with the same order (the bits of the double, negative ones flipped), so ranges are ranges of
// integers and an exclusive bound is the neighbour of an inclusive one.
#pragma once

#include <cstdint>
#include <optional>

#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::structures {

std::int64_t encode_score(double score);  // -0 is 0
double decode_score(std::int64_t encoded);

// A number, or the text "inf", "+inf", "-inf" or of a number.
std::optional<double> parse_score(json::View value);

enum class Bound : std::uint8_t { lower, upper };
// As parse_score(), or "(score" for an exclusive bound: the smallest (largest) encoded score
// inside.
std::optional<std::int64_t> parse_bound(json::View value, Bound side);

// A JSON number; infinities are the strings "inf" and "-inf".
void write_score(json::Writer& out, double score);

}  // namespace weir::structures
