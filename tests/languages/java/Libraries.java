// Prints the rows of libraries for Java: of docs/numbers.md, and those of docs/protocol.md's closes.

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.java_websocket.client.WebSocketClient;
import org.java_websocket.drafts.Draft_6455;
import org.java_websocket.handshake.ServerHandshake;
import org.java_websocket.protocols.Protocol;
import org.msgpack.core.MessageBufferPacker;
import org.msgpack.core.MessagePack;
import org.msgpack.jackson.dataformat.MessagePackMapper;

public class Libraries {
  static final long TIME = 1_796_000_000_000_000L;
  static final String SUBPROTOCOL = "openoutcry.v1.msgpack";
  static final String[] WAYS = {"4500", "no-code", "cut", "none", "other"};
  static final Map<Integer, String> KINDS = Map.of(0xcb, "float64", 0xce, "uint32", 0xcf, "uint64", 0xd3, "int64");

  interface Cell {
    String of(String url) throws Exception;
  }

  static String kind(byte[] bytes) {
    return KINDS.get(bytes[0] & 0xff);
  }

  static byte[] packed(long number) throws Exception {
    try (MessageBufferPacker packer = MessagePack.newDefaultBufferPacker()) {
      packer.packLong(number);
      return packer.toByteArray();
    }
  }

  static void numbers() throws Exception {
    byte[] wire = packed(TIME);
    if (MessagePack.newDefaultUnpacker(wire).unpackLong() != TIME) throw new IllegalStateException("a time is misread");
    System.out.printf("| msgpack-core 0.9.9 (Java), `unpackLong` | long | %s | %s |%n", kind(packed(1L << 31)), kind(wire));
    ObjectMapper mapper = new MessagePackMapper();
    String read = mapper.readValue(wire, Object.class).getClass().getSimpleName();
    System.out.printf("| jackson-dataformat-msgpack 0.9.9 (Java), into `Object` | %s | %s | %s |%n", read,
        kind(mapper.writeValueAsBytes(1L << 31)), kind(mapper.writeValueAsBytes(TIME)));
  }

  static String javaWebSocket(String url) throws Exception {
    boolean isAboutOpening = url.endsWith("none") || url.endsWith("other");
    CompletableFuture<String> seen = new CompletableFuture<>();
    Draft_6455 draft = new Draft_6455(List.of(), List.of(new Protocol(SUBPROTOCOL)));
    WebSocketClient client = new WebSocketClient(new URI(url), draft) {
      boolean isOpen = false;

      @Override public void onOpen(ServerHandshake handshake) {
        isOpen = true;
        if (isAboutOpening) seen.complete("opened, \"" + handshake.getFieldValue("Sec-WebSocket-Protocol") + "\"");
      }
      @Override public void onMessage(String message) {}
      @Override public void onMessage(ByteBuffer message) {}
      @Override public void onClose(int code, String reason, boolean isRemote) {
        seen.complete(isOpen ? String.valueOf(code) : "refused");
      }
      @Override public void onError(Exception error) {}
    };
    client.connect();
    try {
      return seen.get(10, TimeUnit.SECONDS);
    } finally {
      client.close();
    }
  }

  static String httpClient(String url) throws Exception {
    CompletableFuture<String> seen = new CompletableFuture<>();
    WebSocket.Listener listener = new WebSocket.Listener() {
      @Override public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
        seen.complete(String.valueOf(code));
        return null;
      }
      @Override public void onError(WebSocket socket, Throwable error) {
        seen.complete(error.getClass().getSimpleName());
      }
    };
    WebSocket socket;
    try {
      socket = HttpClient.newHttpClient().newWebSocketBuilder().subprotocols(SUBPROTOCOL).buildAsync(new URI(url), listener).get(10, TimeUnit.SECONDS);
    } catch (ExecutionException error) {
      return "refused";
    }
    if (url.endsWith("none") || url.endsWith("other")) return "opened, \"" + socket.getSubprotocol() + "\"";
    return seen.get(10, TimeUnit.SECONDS);
  }

  static void closes(String name, String port, Cell cell) throws Exception {
    StringBuilder row = new StringBuilder("| " + name + " |");
    for (String way : WAYS) row.append(' ').append(cell.of("ws://127.0.0.1:" + port + "/" + way)).append(" |");
    System.out.println(row);
  }

  public static void main(String[] arguments) throws Exception {
    numbers();
    closes("Java-WebSocket 1.6.0", arguments[0], Libraries::javaWebSocket);
    closes("java.net.http of Java 17", arguments[0], Libraries::httpClient);
    System.exit(0);
  }
}
