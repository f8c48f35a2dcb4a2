// Router: finds the route of a path by its segments, O(path), without regular expressions. A
// literal segment wins over a parameter. Immutable after construction, so thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/http/types.hpp"

namespace weir::http {

class Router {
 public:
  explicit Router(std::vector<Route> routes);
  ~Router();

  struct Match {
    const Route* route = nullptr;  // null: no route, see `allow`
    std::string_view pattern;      // of the path, also when only the method is wrong
    std::string allow;             // methods of the path; empty: the path is unknown
    std::vector<std::pair<std::string, std::string>> params;
  };
  // HEAD is served by GET's route.
  Match find(std::string_view method, const std::vector<std::string>& segments) const;

 private:
  struct Node;
  const Node* descend(const Node& node, const std::vector<std::string>& segments, std::size_t at,
                      std::vector<const std::string*>& values) const;
  std::vector<Route> routes_;
  std::unique_ptr<Node> root_;
};

}  // namespace weir::http
