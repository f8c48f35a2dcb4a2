// Random documents, made with one library, read with View and written again with Writer.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "pkg/base/ids.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::json {
namespace {

using Document = nlohmann::json;

constexpr const char* kPieces[] = {"a",
                                   "\"",
                                   "\\",
                                   "\n",
                                   "\x01",
                                   "/",
                                   "{",
                                   "}",
                                   "[",
                                   "]",
                                   ",",
                                   ":",
                                   " ",
                                   "\\u",
                                   "\\\"",
                                   "\x7f",
                                   "\xc3\xbc",
                                   "\xe2\x82\xac",
                                   "\xf0\x9f\x98\x80",
                                   "null"};

std::string random_text(Random& random) {
  std::string text;
  for (auto left = random.next() % 8; left > 0; --left) {
    text += kPieces[random.next() % std::size(kPieces)];
  }
  return text;
}

Document random_number(Random& random) {
  switch (random.next() % 5) {
    case 0:
      return static_cast<std::int64_t>(random.next());
    case 1:
      return random.next();
    case 2:
      return static_cast<std::int64_t>(random.next() % 200) - 100;
    case 3:
      return static_cast<double>(static_cast<std::int64_t>(random.next())) / 1e12;
    default:
      return std::ldexp(static_cast<double>(random.next()),
                        static_cast<int>(random.next() % 900) - 500);
  }
}

Document random_document(Random& random, int depth) {
  switch (random.next() % (depth > 0 ? 8 : 5)) {
    case 0:
      return nullptr;
    case 1:
      return random.next() % 2 == 0;
    case 2:
    case 3:
      return random_number(random);
    case 4:
      return random_text(random);
    case 5:
    case 6: {
      Document object = Document::object();
      for (auto left = random.next() % 5; left > 0; --left) {
        object[random_text(random)] = random_document(random, depth - 1);
      }
      return object;
    }
    default: {
      Document array = Document::array();
      for (auto left = random.next() % 5; left > 0; --left) {
        array.push_back(random_document(random, depth - 1));
      }
      return array;
    }
  }
}

// White space wherever the grammar allows it.
std::string spaced(Random& random, const std::string& text) {
  std::string out;
  bool inside = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (inside && text[at] == '\\') {
      out += text[at++];
      out += text[at];
      continue;
    }
    if (text[at] == '"') inside = !inside;
    const bool mark =
        !inside && std::string_view("{}[],:").find(text[at]) != std::string_view::npos;
    if (mark && random.next() % 3 == 0) out += " \n\t\r"[random.next() % 4];
    out += text[at];
    if (mark && random.next() % 3 == 0) out += " \n\t\r"[random.next() % 4];
  }
  return out;
}

void copy(const View& view, Writer& writer) {
  switch (view.kind()) {
    case Kind::missing:
      FAIL() << "a value is missing";
    case Kind::null:
      writer.null();
      return;
    case Kind::boolean:
      writer.value(*view.as_bool());
      return;
    case Kind::number:
      writer.raw(view.raw());
      return;
    case Kind::string:
      writer.value(*view.as_string());
      return;
    case Kind::array:
      writer.begin_array();
      for (const View element : view.elements()) copy(element, writer);
      writer.end_array();
      return;
    case Kind::object:
      writer.begin_object();
      for (const Member& member : view.members()) {
        writer.key(member.key());
        copy(member.value, writer);
      }
      writer.end_object();
      return;
  }
}

void expect_same(const View& view, const Document& document) {
  if (document.is_object()) {
    for (const auto& [key, value] : document.items()) expect_same(view.find(key), value);
  } else if (document.is_number_integer() && !document.is_number_unsigned()) {
    EXPECT_EQ(view.as_int(), document.get<std::int64_t>());
  } else if (document.is_number_float()) {
    EXPECT_EQ(view.as_double(), document.get<double>());
  } else if (document.is_string()) {
    EXPECT_EQ(view.as_string(), document.get<std::string>());
  } else if (document.is_boolean()) {
    EXPECT_EQ(view.as_bool(), document.get<bool>());
  } else if (document.is_null()) {
    EXPECT_TRUE(view.is_null());
  }
}

TEST(RandomDocument, RoundTrips) {
  for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    const Document document = random_document(random, 5);
    const std::string text = spaced(random, document.dump(-1, ' ', random.next() % 2 == 0));
    ASSERT_TRUE(check(text)) << text;
    const View view(text);
    expect_same(view, document);
    Writer writer;
    copy(view, writer);
    ASSERT_TRUE(check(writer.str())) << writer.str();
    EXPECT_EQ(Document::parse(writer.str()), document) << text;
    if (HasFailure()) return;
  }
}

// Every damaged document is judged as another strict parser judges it.
TEST(RandomDocument, DamageIsJudgedAlike) {
  constexpr char kNoise[] = "\"\\{}[],:0123456789.eE+-ntu \x01\xc3\xff";
  for (std::uint64_t seed = 1; seed <= 6'000; ++seed) {
    SeededRandom random(seed);
    std::string text = random_document(random, 3).dump();
    for (auto left = 1 + random.next() % 3; left > 0 && !text.empty(); --left) {
      const auto at = random.next() % text.size();
      const char noise = kNoise[random.next() % (sizeof kNoise - 1)];
      switch (random.next() % 3) {
        case 0:
          text.erase(at, 1);
          break;
        case 1:
          text[at] = noise;
          break;
        default:
          text.insert(at, 1, noise);
          break;
      }
    }
    const bool ours = static_cast<bool>(check(text));
    const bool theirs = Document::accept(text);
    // Integers past 64 bits are refused here; the other parser reads them as doubles.
    const bool digits = text.find_first_of("0123456789") != std::string::npos;
    if (digits && theirs && !ours) continue;
    ASSERT_EQ(ours, theirs) << "seed " << seed << ": " << text;
  }
}

}  // namespace
}  // namespace weir::json
