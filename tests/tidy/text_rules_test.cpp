// Rules on the text of the sources: size, width, guards, and words that do not belong here.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "tests/tidy/source_tree.hpp"

namespace weir::tidy {
namespace {

constexpr std::size_t kMostLines = 400;
constexpr std::size_t kMostColumns = 100;

// Characters as a reader counts them: bytes that continue a UTF-8 sequence take no column.
std::size_t columns(const std::string& line) {
  return static_cast<std::size_t>(std::count_if(
      line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6U) != 2; }));
}

TEST(Text, TheTreeIsSeen) {
  const auto& files = source_tree();
  EXPECT_GT(files.size(), 50U);
  EXPECT_TRUE(std::any_of(files.begin(), files.end(), [](const SourceFile& file) {
    return file.path == "pkg/base/error.hpp" && file.lines.size() > 20;
  }));
}

TEST(Text, FilesStaySmall) {
  for (const auto& file : source_tree()) {
    if (!file.is_cpp() && !file.is_script()) continue;
    EXPECT_LE(file.lines.size(), kMostLines) << file.path << ": which two things live there?";
  }
}

TEST(Text, LinesStayNarrow) {
  for (const auto& file : source_tree()) {
    if (!file.is_cpp() && !file.is_script()) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_LE(columns(file.lines[i]), kMostColumns) << at_line(file, i);
    }
  }
}

TEST(Text, HeadersHaveAGuardAndSayWhatTheyAreFor) {
  for (const auto& file : source_tree()) {
    if (!file.has_extension(".hpp")) continue;
    const auto& lines = file.lines;
    EXPECT_EQ(std::count(lines.begin(), lines.end(), "#pragma once"), 1) << file.path;
    ASSERT_FALSE(lines.empty()) << file.path;
    EXPECT_TRUE(lines.front().starts_with("// ")) << file.path << ": says nothing of its purpose";
  }
}

// Split, so that this file does not hold what it looks for.
constexpr std::array kForbidden{
    "TO"
    "DO",
    "FIX"
    "ME",
    "X"
    "XX",
    "HA"
    "CK:",  // unfinished business
    "/wo"
    "rk/",
    "/opt/"
    "nats",
    "/ro"
    "ot/",
    "/ho"
    "me/",  // somebody's machine
    "-----BEGIN "
    "PRIVATE",
    "-----BEGIN RSA "
    "PRIVATE",  // secrets
    "<<<<<"
    "<<",
    ">>>>>"
    ">>",  // an unfinished merge
};

// Whether `word` stands in `line` by itself: XX as the end of a pattern for mkdtemp is no marker.
bool contains_word(const std::string& line, std::string_view word) {
  const auto joins = [&](std::size_t at) {
    return at < line.size() && std::isalnum(static_cast<unsigned char>(line[at])) != 0 &&
           std::isalnum(static_cast<unsigned char>(word.back())) != 0;
  };
  for (std::size_t at = line.find(word); at != std::string::npos; at = line.find(word, at + 1)) {
    const bool before = word.front() != '/' && at > 0 && joins(at - 1);
    if (!before && !joins(at + word.size())) return true;
  }
  return false;
}

TEST(Text, ForbiddenWordsAreAbsent) {
  for (const auto& file : source_tree()) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      for (const std::string_view word : kForbidden) {
        EXPECT_FALSE(contains_word(file.lines[i], word)) << at_line(file, i);
      }
    }
  }
}

// Addresses name this machine, an example, a container of compose/ or a standard, never a host
// that a build or a run would talk to.
bool is_known_host(std::string_view host) {
  if (host.find('.') == std::string_view::npos) return true;
  for (const std::string_view known :
       {"127.0.0.1", "0.0.0.0", "www.rfc-editor.org", "json-schema.org", "spec.openapis.org",
        "www.w3.org", "www.standardwebhooks.com", "keepachangelog.com", "semver.org", "github.com",
        "docs.nats.io"}) {
    if (host == known) return true;
  }
  for (const std::string_view reserved :
       {"example.com", "example.org", ".example", ".test", ".invalid"}) {
    if (host.ends_with(reserved)) return true;
  }
  return false;
}

TEST(Text, NoAddressOfAnOutsideHost) {
  for (const auto& file : source_tree()) {
    if (file.path == "LICENSE") continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const auto& line = file.lines[i];
      for (std::size_t at = line.find("://"); at != std::string::npos;
           at = line.find("://", at + 1)) {
        const std::size_t from = at + 3;
        const std::size_t end =
            line.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-", from);
        EXPECT_TRUE(is_known_host(std::string_view(line).substr(from, end - from)))
            << at_line(file, i);
      }
    }
  }
}

TEST(Text, NoTrailingSpaceAndNoTabs) {
  for (const auto& file : source_tree()) {
    if (!file.is_cpp() && !file.is_script()) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const auto& line = file.lines[i];
      EXPECT_EQ(line.find('\t'), std::string::npos) << at_line(file, i);
      EXPECT_FALSE(line.ends_with(' ') || line.ends_with('\r')) << at_line(file, i);
    }
  }
}

}  // namespace
}  // namespace weir::tidy
