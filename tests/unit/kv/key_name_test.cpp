#include "pkg/kv/key_name.hpp"

#include <gtest/gtest.h>

#include <set>

#include "pkg/base/ids.hpp"
#include "pkg/kv/glob.hpp"

namespace weir::kv {
namespace {

// What the subject of a KV bucket may hold (ADR-8), as other NATS clients check it.
bool is_name(std::string_view name) {
  constexpr std::string_view kOther = "-/_=.";
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && kOther.find(c) == std::string_view::npos) return false;
  }
  return !name.empty() && name.front() != '.' && name.back() != '.' &&
         name.find("..") == std::string_view::npos;
}

TEST(KeyName, Examples) {
  const std::pair<const char*, const char*> cases[] = {{"plain", "plain"},
                                                       {"a.b/c_d-e=f", "a.b/c_d-e=f"},
                                                       {"user:1001", "user=3A1001"},
                                                       {"a b", "a=20b"},
                                                       {"\xc3\xa9", "=C3=A9"},
                                                       {"*", "=2A"},
                                                       {">", "=3E"},
                                                       {".a", "=2Ea"},
                                                       {"a.", "a=2E"},
                                                       {"a..b", "a.=2Eb"},
                                                       {"...", "=2E.=2E"},
                                                       {"=3A", "=3D3A"},
                                                       {"=41", "=41"},
                                                       {"=3D", "=3D"},
                                                       {"=3D3A", "=3D3D3A"},
                                                       {"=3a", "=3a"},
                                                       {"=", "="},
                                                       {"a=2Eb", "a=2Eb"}};
  for (const auto& [key, name] : cases) {
    EXPECT_EQ(encode_key(key), name) << key;
    EXPECT_EQ(decode_key(name), key) << name;
    EXPECT_TRUE(is_name(name)) << name;
  }
}

// Of short texts of the letters where it could go wrong: one name for each key, one key for each
// name that another client may write.
TEST(KeyName, KeysAndNamesAreOneToOne) {
  constexpr std::string_view kLetters = "=.23ADEa:";
  std::set<std::string> names;
  std::size_t keys = 0;
  const auto visit = [&](const auto& self, const std::string& text) -> void {
    if (!text.empty()) {
      ++keys;
      const auto name = encode_key(text);
      ASSERT_TRUE(is_name(name)) << text << " -> " << name;
      ASSERT_EQ(decode_key(name), text) << name;
      ASSERT_TRUE(names.insert(name).second) << text << " -> " << name;
      if (is_name(text)) {
        ASSERT_EQ(encode_key(decode_key(text)), text);
      }
    }
    if (text.size() == 5) return;
    for (const char c : kLetters) self(self, text + c);
  };
  visit(visit, "");
  EXPECT_EQ(names.size(), keys);
}

TEST(KeyName, RandomTexts) {
  constexpr std::string_view kLetters = "=.0123456789ABCDEF3D3D==..:a";
  SeededRandom random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    const auto size = 1 + random.next() % 30;
    for (std::uint64_t at = 0; at < size; ++at) text += kLetters[random.next() % kLetters.size()];
    const auto name = encode_key(text);
    ASSERT_TRUE(is_name(name)) << text;
    ASSERT_EQ(decode_key(name), text);
    if (is_name(text)) {
      ASSERT_EQ(encode_key(decode_key(text)), text);
    }
  }
}

TEST(KeyName, WhatIsNoKey) {
  EXPECT_TRUE(check_key("k"));
  EXPECT_TRUE(check_key(std::string(kMaxKeyBytes, 'k')));
  EXPECT_TRUE(check_key("\xf0\x9f\x98\x80"));
  for (const auto& key : {std::string(), std::string(kMaxKeyBytes + 1, 'k'), std::string("\xff"),
                          std::string("a\0b", 3)}) {
    const auto checked = check_key(key);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().reason, "bad_key");
    EXPECT_EQ(checked.error().fields.at(0).field, "key");
  }
}

TEST(Glob, Matches) {
  struct Case {
    const char* pattern;
    const char* text;
    bool matches;
  };
  const Case cases[] = {
      {"*", "", true},         {"*", "abc", true},         {"", "", true},
      {"", "a", false},        {"user:*", "user:1", true}, {"user:*", "use", false},
      {"*:1", "user:1", true}, {"*:1", "user:12", false},  {"a*b*c", "a1b2b3c", true},
      {"a*b*c", "a1c", false}, {"?", "\xc3\xa9", true},    {"?", "ab", false},
      {"a?c", "abc", true},    {"a\\*c", "a*c", true},     {"a\\*c", "abc", false},
      {"a\\?", "a?", true},    {"**a**", "bab", true},     {"*a", "b", false}};
  for (const auto& c : cases)
    EXPECT_EQ(matches_glob(c.pattern, c.text), c.matches) << c.pattern << " " << c.text;
  EXPECT_EQ(literal_prefix("user:*"), "user:");
  EXPECT_EQ(literal_prefix("a\\*b?"), "a*b");
  EXPECT_EQ(literal_prefix("*"), "");
}

}  // namespace
}  // namespace weir::kv
