#include "api/http/router.hpp"

#include "pkg/base/assert.hpp"

namespace weir::http {
namespace {

std::vector<std::string> split(std::string_view pattern) {
  std::vector<std::string> segments;
  for (std::string_view rest = pattern.substr(1); !rest.empty();) {
    const auto slash = rest.find('/');
    segments.emplace_back(rest.substr(0, slash));
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  }
  return segments;
}

bool is_parameter(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with('}');
}

}  // namespace

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literal;
  std::unique_ptr<Node> parameter;
  std::map<std::string, const Route*, std::less<>> by_method;
};

Router::~Router() = default;

Router::Router(std::vector<Route> routes)
    : routes_(std::move(routes)), root_(std::make_unique<Node>()) {
  for (const auto& route : routes_) {
    Node* node = root_.get();
    for (const auto& segment : split(route.pattern)) {
      auto& next = is_parameter(segment) ? node->parameter : node->literal[segment];
      if (!next) next = std::make_unique<Node>();
      node = next.get();
    }
    const bool is_new = node->by_method.emplace(route.method, &route).second;
    WEIR_ASSERT(is_new);
  }
}

const Router::Node* Router::descend(const Node& node, const std::vector<std::string>& segments,
                                    std::size_t at, std::vector<const std::string*>& values) const {
  if (at == segments.size()) return node.by_method.empty() ? nullptr : &node;
  if (const auto found = node.literal.find(segments[at]); found != node.literal.end()) {
    if (const auto* end = descend(*found->second, segments, at + 1, values)) return end;
  }
  if (!node.parameter || segments[at].empty()) return nullptr;
  values.push_back(&segments[at]);
  if (const auto* end = descend(*node.parameter, segments, at + 1, values)) return end;
  values.pop_back();
  return nullptr;
}

Router::Match Router::find(std::string_view method,
                           const std::vector<std::string>& segments) const {
  Match match;
  std::vector<const std::string*> values;
  const Node* node = descend(*root_, segments, 0, values);
  if (node == nullptr) return match;
  for (const auto& [name, route] : node->by_method) {
    match.allow += (match.allow.empty() ? "" : ", ") + name;
    if (name == "GET") match.allow += ", HEAD";
  }
  match.allow += ", OPTIONS";
  match.pattern = node->by_method.begin()->second->pattern;
  const auto found = node->by_method.find(method == "HEAD" ? "GET" : method);
  if (found == node->by_method.end()) return match;
  match.route = found->second;
  std::size_t value = 0;
  for (const auto& segment : split(match.route->pattern)) {
    if (is_parameter(segment))
      match.params.emplace_back(segment.substr(1, segment.size() - 2), *values[value++]);
  }
  return match;
}

}  // namespace weir::http
