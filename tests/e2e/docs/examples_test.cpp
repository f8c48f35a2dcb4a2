// Every example of a service's page does what the page says: each page on a server of its own, each
// command in a shell, in order.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/e2e/docs/example_page.hpp"
#include "tests/e2e/docs/socket_page.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/web_socket.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

// What follows something goes on until it is stopped.
constexpr const char* kShell = R"(
weir() {
  case " $* " in
    *" tail "* | *" watch "* | *" sub "*) timeout 2 "$WEIR_BIN" "$@" ;;
    *) "$WEIR_BIN" "$@" ;;
  esac
}
curl() {
  case " $* " in
    *" -sN "* | *" -N "*) timeout 2 curl -s "$@" ;;
    *) command curl -s "$@" ;;
  esac
}
)";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::string content(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class DocsPage : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { server_.start(); }

  Command shell(std::string command) const {
    const std::string documented = "127.0.0.1:7080";
    for (auto at = command.find(documented); at != std::string::npos;
         at = command.find(documented)) {
      command.replace(at, documented.size(), "127.0.0.1:" + std::to_string(server_.port()));
    }
    return {.argv = {"bash", "-c", kShell + command},
            .env = {{"WEIR_BIN", weir_binary()},
                    {"WEIR_URL", server_.url()},
                    {"WEIR", server_.url()},
                    {"WEIR_API_KEY", server_.key()},
                    {"AUTH", "Authorization: Bearer " + server_.key()},
                    {"NO_COLOR", "1"}},
            .directory = folder_.path()};
  }

  std::string run_example(const std::string& command) const {
    const auto ran = run(shell(command), std::chrono::seconds(30));
    return ran.out + ran.err;
  }

  // Line by line; a line `...` of the page stands for any number of lines.
  void compare(const Example& example, const std::string& printed) {
    const auto got = lines_of(printed);
    std::size_t at = 0;
    for (const auto& want : example.printed) {
      if (want == "...") {
        at = got.size();
        break;
      }
      if (want.empty() && (at >= got.size() || !got[at].empty())) continue;
      ASSERT_LT(at, got.size()) << where(example) << "\nmissing: " << want << "\n" << printed;
      ids_.learn(want, got[at]);
      EXPECT_EQ(essence(got[at]), essence(want)) << where(example) << "\n" << got[at];
      ++at;
    }
    EXPECT_EQ(at, got.size()) << where(example) << "\nprinted more:\n" << printed;
  }

  // What runs beside the next command prints among its lines: any order will do.
  void compare_unordered(const std::vector<Example>& together, const std::string& printed) {
    std::multiset<std::string> want;
    std::multiset<std::string> got;
    for (const auto& example : together) {
      for (const auto& line : example.printed) want.insert(essence(line));
    }
    for (const auto& line : lines_of(printed)) got.insert(essence(line));
    EXPECT_EQ(got, want) << where(together.front()) << "\n" << printed;
  }

  static std::string where(int line, const std::string& text) {
    return "docs/" + std::string(GetParam()) + ":" + std::to_string(line) + ": " + text;
  }
  static std::string where(const Example& example) { return where(example.line, example.command); }

  WeirServer server_;
  TempDir folder_;
  Ids ids_;
};

class DocsExamples : public DocsPage {};
class DocsSockets : public DocsPage {};

TEST_P(DocsExamples, PrintWhatThePageSays) {
  const auto examples = examples_of(GetParam());
  ASSERT_FALSE(examples.empty());
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const auto& example = examples[i];
    const auto command = ids_.translate(example.command);
    if (!command.ends_with(" &")) {
      compare(example, run_example(command));
      if (HasFatalFailure()) return;
      continue;
    }
    ASSERT_LT(i + 1, examples.size()) << where(example);
    auto beside = shell(command.substr(0, command.size() - 2));
    beside.output_file = folder_.file("beside");
    Child follower(beside);
    const auto& next = examples[++i];
    // It must have subscribed: the command is repeated only by asking for its subscribers.
    ASSERT_TRUE(wait_until([&] {
      return server_.client().get("/metrics").body.find("weir_http_event_streams 1") !=
             std::string::npos;
    })) << where(example);
    const auto printed = run_example(ids_.translate(next.command));
    follower.wait();
    compare_unordered({example, next}, printed + content(beside.output_file));
  }
}

TEST_P(DocsSockets, AnswerWhatThePageSays) {
  const auto examples = socket_examples_of(GetParam());
  ASSERT_FALSE(examples.empty());
  for (const auto& example : examples) {
    WebSocketClient socket(server_.port(), "/api/v1/ws?api_key=" + server_.key());
    ASSERT_TRUE(socket.accepted()) << socket.handshake();
    for (const auto& step : example) {
      const auto text = ids_.translate(step.text);
      if (step.kind == SocketStep::Kind::says) {
        socket.say(text);
      } else if (step.kind == SocketStep::Kind::runs) {
        compare({.line = step.line, .command = step.text, .printed = step.printed},
                run_example(text));
      } else {
        const auto heard = socket.hear();
        ids_.learn(step.text, heard);
        EXPECT_EQ(essence(heard), essence(step.text)) << where(step.line, heard);
      }
      if (HasFailure()) return;
    }
  }
}

std::string page_name(const testing::TestParamInfo<const char*>& page) {
  std::string name = page.param;
  name.resize(name.find('.'));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Pages, DocsExamples,
                         testing::Values("kv.md", "message-queues.md", "pubsub.md", "rooms.md",
                                         "streams.md", "structures.md"),
                         page_name);
INSTANTIATE_TEST_SUITE_P(Pages, DocsSockets,
                         testing::Values("kv.md", "message-queues.md", "pubsub.md", "rooms.md",
                                         "structures.md", "websocket.md"),
                         page_name);

}  // namespace
}  // namespace weir::test
