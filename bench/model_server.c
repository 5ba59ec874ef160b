/* Model server: answers like one, as cheaply as it can, so that what stands in front of it is what is measured.
 *
 * usage: model_server PORT
 * Speaks HTTP/1.1 with keep-alive. A path with "/messages" is answered as Anthropic Messages, any other as OpenAI chat
 * completions. Of the body three things count: "stream":true, "max_tokens":N (events in a stream), and the words pause=MS
 * anywhere in it (between events; without them all are sent at once), which cross every translation.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 40000, MAX_REQUEST = 1 << 20, MAX_READY = 512 };

struct connection {
    char *request;
    int size, capacity;
    int events_left, pause_ms, anthropic;
    int listed; /* its place in `streaming`, -1 when it streams nothing */
    long long due_ms;
};

static struct connection *connections;
static int streaming[MAX_CONNECTIONS], streaming_count;
static int epoll_fd;

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void send_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            if (sent < 0 && errno == EAGAIN) { usleep(50); continue; }
            return;
        }
        data += sent;
        size -= sent;
    }
}

static int chunk(char *out, const char *text) {
    return sprintf(out, "%zx\r\n%s\r\n", strlen(text), text);
}

#define OPENAI_HEAD "data: {\"id\":\"c0ffee\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"bench\",\"choices\":"
#define OPENAI_FIRST OPENAI_HEAD "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n"
#define OPENAI_EVENT OPENAI_HEAD "[{\"index\":0,\"delta\":{\"content\":\" token\"},\"finish_reason\":null}]}\n\n"
#define OPENAI_LAST OPENAI_HEAD "[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define OPENAI_USAGE OPENAI_HEAD "[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":20,\"total_tokens\":40}}\n\ndata: [DONE]\n\n"
#define ANTHROPIC_FIRST "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"bench\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":20,\"output_tokens\":0}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
#define ANTHROPIC_EVENT "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" token\"}}\n\n"
#define ANTHROPIC_LAST "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":20}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
#define OPENAI_WHOLE "{\"id\":\"c0ffee\",\"object\":\"chat.completion\",\"created\":1790000000,\"model\":\"bench\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"twenty tokens of text as a model would have said them, more or less\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":20,\"total_tokens\":40}}"
#define ANTHROPIC_WHOLE "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"bench\",\"content\":[{\"type\":\"text\",\"text\":\"twenty tokens of text as a model would have said them, more or less\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":20,\"output_tokens\":20}}"

static void stop_streaming(struct connection *c) {
    if (c->listed < 0) return;
    int last = streaming[--streaming_count];
    streaming[c->listed] = last;
    connections[last].listed = c->listed;
    c->listed = -1;
}

static void drop(int fd) {
    struct connection *c = &connections[fd];
    stop_streaming(c);
    free(c->request);
    memset(c, 0, sizeof *c);
    c->listed = -1;
    close(fd);
}

static void end_stream(int fd, struct connection *c) {
    char out[4096];
    int size = 0;
    if (c->anthropic) {
        size += chunk(out, ANTHROPIC_LAST);
    } else {
        size += chunk(out, OPENAI_LAST);
        size += chunk(out + size, OPENAI_USAGE);
    }
    size += sprintf(out + size, "0\r\n\r\n");
    send_all(fd, out, size);
    stop_streaming(c);
}

static void begin_stream(int fd, struct connection *c) {
    char out[4096];
    int size = sprintf(out, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
    size += chunk(out + size, c->anthropic ? ANTHROPIC_FIRST : OPENAI_FIRST);
    send_all(fd, out, size);
    if (c->pause_ms == 0) {
        for (; c->events_left > 0; c->events_left--) {
            size = chunk(out, c->anthropic ? ANTHROPIC_EVENT : OPENAI_EVENT);
            send_all(fd, out, size);
        }
        c->listed = -1;
        end_stream(fd, c);
        return;
    }
    c->due_ms = now_ms() + c->pause_ms;
    c->listed = streaming_count;
    streaming[streaming_count++] = fd;
}

static int number_after(const char *body, const char *name, int otherwise) {
    const char *found = strstr(body, name);
    if (!found) return otherwise;
    found += strlen(name);
    while (*found == ' ' || *found == ':') found++;
    return atoi(found);
}

static int answer(int fd, struct connection *c) {
    char *head_end = memmem(c->request, c->size, "\r\n\r\n", 4);
    if (!head_end) return 0;
    int head_size = head_end - c->request + 4;
    char saved = *head_end;
    *head_end = 0;
    char *length = strcasestr(c->request, "\r\ncontent-length:");
    int body_size = length ? atoi(length + 17) : 0;
    c->anthropic = strstr(c->request, "/messages") != NULL;
    *head_end = saved;
    if (c->size < head_size + body_size) return 0;
    char *body = c->request + head_size;
    char after = body[body_size];
    body[body_size] = 0;
    int stream = strstr(body, "\"stream\":true") || strstr(body, "\"stream\": true");
    c->events_left = number_after(body, "\"max_tokens\"", 20);
    c->pause_ms = number_after(body, "pause=", 0);
    body[body_size] = after;
    int used = head_size + body_size;
    memmove(c->request, c->request + used, c->size - used);
    c->size -= used;
    if (stream) {
        begin_stream(fd, c);
    } else {
        const char *whole = c->anthropic ? ANTHROPIC_WHOLE : OPENAI_WHOLE;
        char out[2048];
        int size = sprintf(out, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s", strlen(whole), whole);
        send_all(fd, out, size);
    }
    return 1;
}

static void read_from(int fd) {
    struct connection *c = &connections[fd];
    for (;;) {
        if (c->capacity - c->size < 16384) {
            if (c->capacity >= MAX_REQUEST) { drop(fd); return; }
            c->capacity = c->capacity ? c->capacity * 2 : 32768;
            c->request = realloc(c->request, c->capacity + 1);
        }
        ssize_t got = recv(fd, c->request + c->size, c->capacity - c->size, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN)) { drop(fd); return; }
        if (got < 0) break;
        c->size += got;
    }
    while (c->listed < 0 && answer(fd, c)) {}
}

static void send_due(void) {
    long long now = now_ms();
    char out[1024];
    for (int at = 0; at < streaming_count;) {
        int fd = streaming[at];
        struct connection *c = &connections[fd];
        if (c->due_ms > now) { at++; continue; }
        if (c->events_left <= 0) { end_stream(fd, c); continue; }
        int size = chunk(out, c->anthropic ? ANTHROPIC_EVENT : OPENAI_EVENT);
        send_all(fd, out, size);
        c->events_left--;
        c->due_ms += c->pause_ms;
        at++;
    }
}

int main(int argc, char **argv) {
    if (argc != 2) { fprintf(stderr, "usage: model_server PORT\n"); return 2; }
    struct rlimit files = {MAX_CONNECTIONS, MAX_CONNECTIONS};
    setrlimit(RLIMIT_NOFILE, &files);
    connections = calloc(MAX_CONNECTIONS, sizeof *connections);
    for (int at = 0; at < MAX_CONNECTIONS; at++) connections[at].listed = -1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 8192)) { perror("model_server"); return 1; }
    epoll_fd = epoll_create1(0);
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = listener}, ready[MAX_READY];
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &wanted);
    for (;;) {
        int count = epoll_wait(epoll_fd, ready, MAX_READY, streaming_count ? 1 : 1000);
        for (int at = 0; at < count; at++) {
            if (ready[at].data.fd != listener) { read_from(ready[at].data.fd); continue; }
            for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
                if (fd >= MAX_CONNECTIONS) { close(fd); continue; }
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
                epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
            }
        }
        send_due();
    }
}
