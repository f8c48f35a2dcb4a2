// Schemas of native streams, their messages and consumers.
#include <array>

#include "api/openapi/schemas.hpp"

namespace weir::api {
namespace {

constexpr std::array kSchemas{
    ComponentSchema{"StreamSettings", R"({"type":"object","additionalProperties":false,
 "properties":{
  "subjects":{"type":"array","maxItems":100,"items":{"type":"string"},
   "description":"default: the name of the stream"},
  "description":{"type":"string","maxLength":4096},
  "retention":{"type":"string","enum":["limits","interest","workqueue"],"default":"limits"},
  "storage":{"type":"string","enum":["file","memory"],"default":"file"},
  "discard":{"type":"string","enum":["old","new"],"default":"old",
   "description":"when it is full: drop the oldest, or refuse the new"},
  "max_age_ms":{"$ref":"#/components/schemas/Duration"},
  "max_bytes":{"type":"integer","minimum":-1,"description":"-1: no limit, as with those below"},
  "max_messages":{"type":"integer","minimum":-1},
  "max_messages_per_subject":{"type":"integer","minimum":-1},
  "max_message_bytes":{"type":"integer","minimum":-1},
  "duplicate_window_ms":{"$ref":"#/components/schemas/Duration"},
  "replicas":{"type":"integer","minimum":0,"maximum":5,
   "description":"0 or not given: 3 on a cluster, else 1"}}})"},
    ComponentSchema{"Stream", R"({"type":"object","required":["name","messages","last_sequence"],
 "properties":{
  "name":{"type":"string"},
  "subjects":{"type":"array","items":{"type":"string"}},
  "description":{"type":["string","null"]},
  "retention":{"type":"string"},"storage":{"type":"string"},"discard":{"type":"string"},
  "max_age_ms":{"type":["integer","null"]},"max_bytes":{"type":["integer","null"]},
  "max_messages":{"type":["integer","null"]},
  "max_messages_per_subject":{"type":["integer","null"]},
  "max_message_bytes":{"type":["integer","null"]},
  "duplicate_window_ms":{"type":"integer"},"replicas":{"type":"integer"},
  "messages":{"type":"integer"},"bytes":{"type":"integer"},
  "first_sequence":{"type":"integer"},"last_sequence":{"type":"integer"},
  "first_at":{"type":["string","null"],"format":"date-time"},
  "last_at":{"type":["string","null"],"format":"date-time"},
  "subject_count":{"type":"integer"},"consumers":{"type":"integer"},
  "leader":{"type":"string","description":"the server of a cluster that leads it"},
  "created_at":{"type":["string","null"],"format":"date-time"}}})"},
    ComponentSchema{"NewStreamMessage", R"({"type":"object","required":["data"],
 "additionalProperties":false,"properties":{
  "data":{"description":"any JSON; a text when there is another encoding"},
  "encoding":{"type":"string","enum":["json","text","base64"],"default":"json"},
  "subject":{"type":"string","description":"default: the only subject of the stream"},
  "headers":{"type":"object","additionalProperties":{"type":"string"}},
  "id":{"type":"string","maxLength":256,"description":"Nats-Msg-Id"},
  "expected_sequence":{"type":"integer","minimum":0},
  "expected_subject_sequence":{"type":"integer","minimum":0}}})"},
    ComponentSchema{"StreamMessage", R"({"type":"object","required":["sequence","subject","at"],
 "properties":{
  "sequence":{"type":"integer"},"subject":{"type":"string"},
  "at":{"type":"string","format":"date-time"},
  "headers":{"type":"object","additionalProperties":{"type":"string"}},
  "data":{},
  "encoding":{"type":"string","enum":["text","base64"],"description":"when data is not JSON"},
  "pending":{"type":"integer","description":"of a fetched one: how many come after it"},
  "ack":{"type":"string","description":"of a fetched one: what to answer with"}}})"},
    ComponentSchema{"ConsumerSettings", R"({"type":"object","additionalProperties":false,
 "properties":{
  "description":{"type":"string","maxLength":4096},
  "filter_subjects":{"type":"array","maxItems":100,"items":{"type":"string"}},
  "deliver":{"type":"string","enum":["all","last","new","last_per_subject"],"default":"all"},
  "start_sequence":{"type":"integer","minimum":1},
  "start_at":{"type":"string","format":"date-time"},
  "ack":{"type":"string","enum":["explicit","all","none"],"default":"explicit"},
  "ack_wait_ms":{"$ref":"#/components/schemas/Duration"},
  "max_deliver":{"type":"integer","minimum":-1},
  "max_ack_pending":{"type":"integer","minimum":-1}}})"},
    ComponentSchema{"StreamConsumer", R"({"type":"object","required":["stream","name"],
 "properties":{
  "stream":{"type":"string"},"name":{"type":"string"},"description":{"type":["string","null"]},
  "filter_subjects":{"type":"array","items":{"type":"string"}},
  "deliver_policy":{"type":"string"},"ack_policy":{"type":"string"},
  "ack_wait_ms":{"type":"integer"},"max_deliver":{"type":["integer","null"]},
  "max_ack_pending":{"type":["integer","null"]},
  "pull":{"type":"boolean","description":"it can be fetched from"},
  "delivered":{"type":"object"},"ack_floor":{"type":"object"},
  "ack_pending":{"type":"integer"},"redelivered":{"type":"integer"},"waiting":{"type":"integer"},
  "pending":{"type":"integer"},"created_at":{"type":["string","null"],"format":"date-time"}}})"}};

}  // namespace

std::span<const ComponentSchema> stream_schemas() {
  return kSchemas;
}

}  // namespace weir::api
