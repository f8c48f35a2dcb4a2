#include "pkg/structures/sorted_set_reads.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "pkg/structures/member.hpp"

namespace weir::structures {
namespace {

constexpr std::string_view kScore = "SELECT score FROM structures_zset WHERE key=?1 AND member=?2";
constexpr std::string_view kCountBefore =
    "SELECT count(*) FROM structures_zset"
    " WHERE key=?1 AND (score,member)<(?2,?3)";
constexpr std::string_view kCountBetween =
    "SELECT count(*) FROM structures_zset"
    " WHERE key=?1 AND score>=?2 AND score<=?3";
constexpr std::string_view kForwards =
    "SELECT member,score FROM structures_zset WHERE key=?1"
    " ORDER BY score,member LIMIT ?2 OFFSET ?3";
constexpr std::string_view kBackwards =
    "SELECT member,score FROM structures_zset WHERE key=?1"
    " ORDER BY score DESC,member DESC LIMIT ?2 OFFSET ?3";
constexpr std::string_view kUp =
    "SELECT member,score FROM structures_zset"
    " WHERE key=?1 AND score>=?2 AND score<=?3"
    " ORDER BY score,member LIMIT ?4 OFFSET ?5";
constexpr std::string_view kDown =
    "SELECT member,score FROM structures_zset"
    " WHERE key=?1 AND score>=?2 AND score<=?3"
    " ORDER BY score DESC,member DESC LIMIT ?4 OFFSET ?5";

Result<std::optional<Key>> key_of(json::View body, ReadContext& context) {
  return load_key_of(Kind::sorted_set, text_of(body, "key"), context.now_ms, context.db);
}

bool flag_of(json::View body, std::string_view name) {
  return body.find(name).as_bool().value_or(false);
}

// {"members":[...]}: texts, or {member, score}.
class Members {
 public:
  explicit Members(bool with_scores) : with_scores_(with_scores), out_(1024) {
    out_.begin_object().key("members").begin_array();
  }
  Result<void> add(std::string_view member, std::int64_t score) {
    if (with_scores_) {
      write_scored(out_, member, score);
    } else {
      write_member(out_, member);
    }
    return fits(out_);
  }
  std::string take() { return out_.end_array().end_object().take(); }

 private:
  bool with_scores_;
  json::Writer out_;
};

Result<std::string> ranks(json::View body, ReadContext& context, bool reverse) {
  WEIR_ASSIGN(const auto key, key_of(body, context));
  const bool with_scores = flag_of(body, "withscores");
  Members out(with_scores);
  if (!key) return out.take();
  const Range range = range_of(int_of(body, "start"), int_of(body, "stop"), key->count);
  if (range.size == 0) return out.take();
  // Skips the fewer rows: from the far end they come the wrong way round.
  const std::int64_t after = key->count - range.first - range.size;
  const bool from_far = after < range.first;
  std::vector<std::pair<std::string, std::int64_t>> turned;
  {
    auto rows = context.db.prepare(reverse != from_far ? kBackwards : kForwards);
    rows.bind_all(key->id, range.size, from_far ? after : range.first);
    std::size_t bytes = 0;
    while (rows.step()) {
      if (!from_far) {
        WEIR_TRY(out.add(rows.text(0), rows.int64(1)));
        continue;
      }
      bytes += rows.text(0).size();
      turned.emplace_back(rows.text(0), rows.int64(1));
      if (bytes > kMaxAnswerBytes) break;  // add() refuses it
    }
  }
  for (auto one = turned.rbegin(); one != turned.rend(); ++one) {
    WEIR_TRY(out.add(one->first, one->second));
  }
  return out.take();
}

std::int64_t rank_of(const Key& key, std::string_view member, std::int64_t score,
                     sqlite::Database& db) {
  auto row = db.prepare(kCountBefore);
  row.bind_all(key.id, score, member);
  row.step();
  return row.int64(0);
}

Result<std::string> rank(json::View body, ReadContext& context, bool reverse) {
  WEIR_ASSIGN(const auto key, key_of(body, context));
  const std::string member = text_of(body, "member");
  const auto score = key ? find_score(*key, member, context.db) : std::nullopt;
  json::Writer out;
  out.begin_object().key("rank");
  if (score) {
    const std::int64_t before = rank_of(*key, member, *score, context.db);
    out.value(reverse ? key->count - 1 - before : before);
  } else {
    out.null();
  }
  return out.end_object().take();
}

}  // namespace

std::optional<std::int64_t> find_score(const Key& key, std::string_view member,
                                       sqlite::Database& db) {
  auto row = db.prepare(kScore);
  row.bind_all(key.id, member);
  if (!row.step()) return std::nullopt;
  return row.int64(0);
}

void write_scored(json::Writer& out, std::string_view stored_member, std::int64_t encoded_score) {
  out.begin_object().key("member");
  write_member(out, stored_member);
  out.key("score");
  write_score(out, decode_score(encoded_score));
  out.end_object();
}

// --- payloads ---

void parse_rank_range(Payload& in, json::Writer& out) {
  parse_key_and_range(in, out);
  out.member("withscores", in.flag("withscores", "with_scores"));
  out.member("rev", in.flag("rev", "reverse"));
}

void parse_bounds(Payload& in, json::Writer& out) {
  parse_key(in, out);
  const auto bound = [&](std::string_view name, Bound side) {
    const auto encoded = parse_bound(in.take(name), side);
    if (!encoded) {
      in.fail(std::string(name),
              "is required: a number, \"(number\" to exclude it, \"-inf\" or "
              "\"+inf\"");
    }
    out.member(name, encoded.value_or(0));
  };
  bound("min", Bound::lower);
  bound("max", Bound::upper);
}

void parse_score_range(Payload& in, json::Writer& out) {
  parse_bounds(in, out);
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  out.member("withscores", in.flag("withscores", "with_scores"));
  out.member("rev", in.flag("rev", "reverse"));
  out.member("offset", in.integer({"offset", 0, 0, kMost}));
  out.member("limit", in.integer({"limit", -1, -1, kMost}));  // as SQL and Redis: -1 means all
}

// --- reads ---

Result<std::string> read_score(json::View body, ReadContext& context) {
  WEIR_ASSIGN(const auto key, key_of(body, context));
  const auto score = key ? find_score(*key, text_of(body, "member"), context.db) : std::nullopt;
  json::Writer out;
  out.begin_object().key("score");
  if (score) {
    write_score(out, decode_score(*score));
  } else {
    out.null();
  }
  return out.end_object().take();
}

Result<std::string> read_rank(json::View body, ReadContext& context) {
  return rank(body, context, false);
}
Result<std::string> read_reverse_rank(json::View body, ReadContext& context) {
  return rank(body, context, true);
}

Result<std::string> read_rank_range(json::View body, ReadContext& context) {
  return ranks(body, context, flag_of(body, "rev"));
}
Result<std::string> read_reverse_rank_range(json::View body, ReadContext& context) {
  return ranks(body, context, !flag_of(body, "rev"));
}

Result<std::string> read_score_range(json::View body, ReadContext& context) {
  WEIR_ASSIGN(const auto key, key_of(body, context));
  Members out(flag_of(body, "withscores"));
  if (!key) return out.take();
  auto rows = context.db.prepare(flag_of(body, "rev") ? kDown : kUp);
  rows.bind_all(key->id, int_of(body, "min"), int_of(body, "max"), int_of(body, "limit"),
                int_of(body, "offset"));
  while (rows.step()) WEIR_TRY(out.add(rows.text(0), rows.int64(1)));
  return out.take();
}

Result<std::string> read_score_count(json::View body, ReadContext& context) {
  WEIR_ASSIGN(const auto key, key_of(body, context));
  std::int64_t count = 0;
  if (key) {
    auto row = context.db.prepare(kCountBetween);
    row.bind_all(key->id, int_of(body, "min"), int_of(body, "max"));
    row.step();
    count = row.int64(0);
  }
  return json::Writer().begin_object().member("count", count).end_object().take();
}

Result<std::string> read_cardinality(json::View body, ReadContext& context) {
  return read_count(Kind::sorted_set, "count", body, context);
}

}  // namespace weir::structures
