// Reads of sorted sets. Members are ordered by score, then by their stored text. A range by score
// costs O(log n + its size); a rank is counted along the index of scores: O(log n + rank), from the
// nearer end.
#pragma once

#include "pkg/structures/command.hpp"
#include "pkg/structures/score.hpp"

namespace weir::structures {

// Encoded, see score.hpp.
std::optional<std::int64_t> find_score(const Key& key, std::string_view member,
                                       sqlite::Database& db);
void write_scored(json::Writer& out, std::string_view stored_member, std::int64_t encoded_score);

void parse_rank_range(Payload& in, json::Writer& out);
void parse_bounds(Payload& in, json::Writer& out);
void parse_score_range(Payload& in, json::Writer& out);

Result<std::string> read_score(json::View body, ReadContext& context);
Result<std::string> read_rank(json::View body, ReadContext& context);
Result<std::string> read_reverse_rank(json::View body, ReadContext& context);
Result<std::string> read_rank_range(json::View body, ReadContext& context);
Result<std::string> read_reverse_rank_range(json::View body, ReadContext& context);
Result<std::string> read_score_range(json::View body, ReadContext& context);
Result<std::string> read_score_count(json::View body, ReadContext& context);
Result<std::string> read_cardinality(json::View body, ReadContext& context);

}  // namespace weir::structures
