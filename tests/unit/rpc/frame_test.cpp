#include "api/rpc/frame.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace weir::rpc {
namespace {

using Json = nlohmann::json;

TEST(Frame, ACommandWithItsPayload) {
  const std::string text =
      R"({"command":"kv.set","payload":{"key":"k","value":[1,2]},"request_id":"r-1","extra":1})";
  const auto frame = parse_frame(text);
  ASSERT_TRUE(frame);
  EXPECT_FALSE(frame->batch);
  EXPECT_EQ(frame->request_id, "r-1");
  ASSERT_EQ(frame->requests.size(), 1U);
  EXPECT_EQ(frame->requests[0].command, "kv.set");
  EXPECT_EQ(frame->requests[0].payload.find("value").raw(), "[1,2]");
}

TEST(Frame, PayloadTypeAndIdMayBeMissingOrNull) {
  for (const char* text : {R"({"command":"admin.stats"})",
                           R"({"command":"admin.stats","payload":null,"request_id":null})",
                           R"({"command":"admin.stats","type":"request"})",
                           R"({"command":"admin.stats","type":"command"})"}) {
    const auto frame = parse_frame(text);
    ASSERT_TRUE(frame) << text;
    EXPECT_EQ(frame->request_id, "");
    EXPECT_EQ(frame->requests[0].payload.raw(), "{}");
  }
}

TEST(Frame, WhatIsRefusedSaysWhere) {
  struct Case {
    std::string text;
    const char* reason;
    const char* details;
  };
  const std::string long_id(kMaxRequestIdBytes + 1, 'x');
  const Case cases[] = {
      {"{", "invalid_json", ""},
      {"[]", "invalid_frame", "object"},
      {"{}", "invalid_frame", "command"},
      {R"({"command":7})", "invalid_frame", "command"},
      {R"({"command":""})", "invalid_frame", "command"},
      {R"({"command":"kv.get","payload":[]})", "invalid_payload", "payload"},
      {R"({"command":"kv.get","request_id":7})", "invalid_frame", "request_id"},
      {R"({"command":"kv.get","request_id":""})", "invalid_frame", "request_id"},
      {R"({"command":"kv.get","request_id":")" + long_id + "\"}", "invalid_frame", "request_id"},
      {R"({"command":"kv.get","type":"event"})", "invalid_frame", "type"},
      {R"({"type":"batch"})", "invalid_frame", "commands"},
      {R"({"type":"batch","commands":[]})", "invalid_frame", "at least one"},
      {R"({"type":"batch","commands":[{"command":"a"},7]})", "invalid_frame", "commands[1]"},
      {R"({"type":"batch","commands":[{"command":"a","payload":1}]})", "invalid_payload",
       "commands[0].payload"}};
  for (const auto& c : cases) {
    const auto frame = parse_frame(c.text);
    ASSERT_FALSE(frame) << c.text;
    EXPECT_EQ(frame.error().reason, c.reason) << c.text;
    EXPECT_NE(frame.error().details.find(c.details), std::string::npos)
        << c.text << ": " << frame.error().details;
  }
}

TEST(Frame, ABatchIsBounded) {
  const auto batch_of = [](std::size_t count) {
    std::string text = R"({"type":"batch","request_id":"b","commands":[)";
    for (std::size_t i = 0; i < count; ++i)
      text += (i == 0 ? "" : ",") + std::string(R"({"command":"a"})");
    return text + "]}";
  };
  const std::string whole = batch_of(kMaxBatch);
  const auto frame = parse_frame(whole);
  ASSERT_TRUE(frame);
  EXPECT_TRUE(frame->batch);
  EXPECT_EQ(frame->requests.size(), kMaxBatch);
  EXPECT_FALSE(parse_frame(batch_of(kMaxBatch + 1)));
}

TEST(Frame, TheIdOfARefusedFrameIsFound) {
  EXPECT_EQ(find_request_id(R"({"request_id":"r","command":3})"), "r");
  EXPECT_EQ(find_request_id("{"), "");
  EXPECT_EQ(find_request_id(R"({"request_id":3})"), "");
}

TEST(Frame, AnswersAreTheSeedsShapes) {
  EXPECT_EQ(Json::parse(success_frame("r\"1", R"({"found":true})")),
            Json::parse(R"({"type":"response","request_id":"r\"1","status":"success",
                            "success":true,"payload":{"found":true}})"));
  const Error error{Code::invalid, "invalid_payload", "Bad.", "key", {{"key", "is required"}}};
  const auto told = Json::parse(error_frame("r", error));
  EXPECT_EQ(told["type"], "response");
  EXPECT_EQ(told["status"], "error");
  EXPECT_EQ(told["success"], false);
  EXPECT_EQ(told["error"]["code"], "INVALID_PAYLOAD");
  EXPECT_EQ(told["error"]["message"], "Bad.");
  EXPECT_EQ(told["error"]["details"]["fields"][0]["field"], "key");
  const auto batch =
      Json::parse(batch_frame("b", {success_item(R"({"success":true})"), error_item(error)}));
  EXPECT_EQ(batch["type"], "batch_response");
  EXPECT_EQ(batch["results"][0], Json::parse(R"({"status":"success","payload":{"success":true}})"));
  EXPECT_EQ(batch["results"][1]["status"], "error");
  EXPECT_EQ(batch["results"][1]["error"]["code"], "INVALID_PAYLOAD");
}

TEST(Frame, CodesHaveOneStatusEach) {
  struct Case {
    Code code;
    const char* reason;
    const char* wire;
    int status;
  };
  const Case cases[] = {{Code::bad_request, "invalid_json", "INVALID_REQUEST", 400},
                        {Code::bad_request, "unknown_command", "INVALID_COMMAND", 400},
                        {Code::invalid, "x", "INVALID_PAYLOAD", 422},
                        {Code::unauthenticated, "x", "UNAUTHORIZED", 401},
                        {Code::forbidden, "x", "FORBIDDEN", 403},
                        {Code::not_found, "key_not_found", "KEY_NOT_FOUND", 404},
                        {Code::not_found, "queue_not_found", "QUEUE_NOT_FOUND", 404},
                        {Code::not_found, "room_not_found", "ROOM_NOT_FOUND", 404},
                        {Code::not_found, "topic_not_found", "TOPIC_NOT_FOUND", 404},
                        {Code::not_found, "job_not_found", "MESSAGE_NOT_FOUND", 404},
                        {Code::conflict, "key_exists", "KEY_EXISTS", 409},
                        {Code::conflict, "queue_exists", "QUEUE_EXISTS", 409},
                        {Code::conflict, "x", "CONFLICT", 409},
                        {Code::too_large, "x", "PAYLOAD_TOO_LARGE", 413},
                        {Code::too_many_requests, "x", "RATE_LIMIT_EXCEEDED", 429},
                        {Code::too_many_requests, "quota_exceeded", "QUOTA_EXCEEDED", 429},
                        {Code::internal, "x", "INTERNAL_ERROR", 500},
                        {Code::unavailable, "x", "SERVICE_UNAVAILABLE", 503},
                        {Code::deadline_exceeded, "x", "SERVICE_UNAVAILABLE", 503},
                        {Code::too_many_requests, "queue_full", "QUEUE_FULL", 507},
                        {Code::out_of_space, "x", "MEMORY_LIMIT_EXCEEDED", 507}};
  for (const auto& c : cases) {
    const auto wire = to_wire({c.code, c.reason, "m", ""});
    EXPECT_EQ(wire.code, c.wire) << c.reason;
    EXPECT_EQ(wire.status, c.status) << c.reason;
  }
  std::set<std::string_view> seen;
  for (const auto& row : code_rows()) EXPECT_TRUE(seen.insert(row.code).second) << row.code;
  EXPECT_EQ(seen.size(), 20U);
}

TEST(Frame, AnInternalErrorTellsNothing) {
  const auto text = error_frame("r", {Code::internal, "sqlite_error", "secret.cpp", "path"});
  EXPECT_EQ(text.find("secret"), std::string::npos);
  EXPECT_EQ(text.find("sqlite"), std::string::npos);
}

}  // namespace
}  // namespace weir::rpc
