#include "cmd/weir/cli/page.hpp"

namespace weir::cli {

std::vector<Option> paged(std::vector<Option> own, Paging paging) {
  own.push_back({"limit", "N",
                 "Per page, 1 to " + std::to_string(paging.most) + " (default " +
                     std::to_string(paging.usual) + ")"});
  own.push_back({"cursor", "TEXT", "Go on where a page ended"});
  return own;
}

int print_page(const Context& context, const Json& page, const std::string& table) {
  std::string text = table;
  const auto total = number(page, "total_items");
  if (total > 0) text += human_count(total) + " in total\n";
  const auto cursor = field(page, "next_cursor");
  if (cursor != "-") text += "more with --cursor " + cursor + "\n";
  return context.show(page, text);
}

std::string query_of(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (value.empty()) continue;
    out.append(out.empty() ? "?" : "&").append(name).append("=").append(encode(value));
  }
  return out;
}

std::string query_of(const Parsed& parsed, std::initializer_list<const char*> names) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const char* name : names) pairs.emplace_back(name, parsed.text(name));
  return query_of(pairs);
}

}  // namespace weir::cli
