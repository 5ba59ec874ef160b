/* Load: sends requests to an HTTP server over a fixed number of connections and says how it went, as one line of JSON.
 *
 * usage: load PORT CONNECTIONS SECONDS RATE REQUEST_FILE
 * Every connection sends the bytes of REQUEST_FILE, waits for the whole answer (by Content-Length or chunks), and sends
 * again. RATE 0: as fast as answers come; else so many requests a second in all, each measured from the moment it was
 * due. The first fifth of the time is not counted. Events are lines that begin with "data: ".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_SAMPLES = 1 << 22, MAX_READY = 512, BUFFER = 65536 };

struct client {
    int fd, busy, chunked, in_body, status;
    long left;          /* bytes to come of this body or chunk */
    char line[512];     /* what is not a whole line yet */
    int line_size, last_chunk, line_start;
    double due_s;
};

static struct client *clients;
static float *samples;
static int sample_count;
static long requests, errors, events, held;
static double counting_from_s;
static char *request;
static int request_size, port, epoll_fd;

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static void open_client(struct client *c) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    memset(c, 0, sizeof *c);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address)) { perror("load: connect"); exit(1); }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event);
}

static void ask(struct client *c, double due_s) {
    c->busy = 1;
    c->due_s = due_s;
    c->in_body = c->chunked = c->last_chunk = c->line_size = c->status = 0;
    c->left = 0;
    c->line_start = 1;
    if (send(c->fd, request, request_size, MSG_NOSIGNAL) != request_size) errors++;
}

static void done(struct client *c) {
    double now = now_s();
    c->busy = 0;
    if (c->status != 200) errors++;
    if (now < counting_from_s) return;
    requests++;
    if (sample_count < MAX_SAMPLES) samples[sample_count++] = now - c->due_s;
}

static void count_events(struct client *c, const char *data, long size) {
    for (const char *at = data, *end = data + size; at < end;) {
        if (c->line_start && *at == 'd') { if (now_s() >= counting_from_s) events++; }
        const char *newline = memchr(at, '\n', end - at);
        c->line_start = newline != NULL;
        if (!newline) return;
        at = newline + 1;
    }
}

static void take_line(struct client *c) {
    c->line[c->line_size] = 0;
    if (!c->in_body) {
        if (!strncmp(c->line, "HTTP/1.1 ", 9)) c->status = atoi(c->line + 9);
        else if (!strncasecmp(c->line, "content-length:", 15)) c->left = atol(c->line + 15);
        else if (!strncasecmp(c->line, "transfer-encoding:", 18)) c->chunked = 1;
        else if (c->line_size == 0) {
            c->in_body = 1;
            if (!c->chunked && c->left == 0) done(c);
        }
    } else if (c->last_chunk) {
        if (c->line_size == 0) done(c);
    } else if (c->line_size) {
        c->left = strtol(c->line, NULL, 16);
        c->last_chunk = c->left == 0;
    }
    c->line_size = 0;
}

static void take(struct client *c, const char *data, long size) {
    const char *end = data + size;
    while (data < end) {
        if (c->in_body && c->left > 0) {
            long part = end - data < c->left ? end - data : c->left;
            count_events(c, data, part);
            data += part;
            c->left -= part;
            if (!c->chunked && c->left == 0) done(c);
            continue;
        }
        if (*data == '\n') take_line(c);
        else if (*data != '\r' && c->line_size < (int)sizeof c->line - 1) c->line[c->line_size++] = *data;
        data++;
    }
}

static void read_from(struct client *c) {
    static char buffer[BUFFER];
    for (;;) {
        ssize_t got = recv(c->fd, buffer, sizeof buffer, 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) {
            if (c->busy) errors++;
            close(c->fd);
            open_client(c);
            return;
        }
        take(c, buffer, got);
    }
}

static int by_value(const void *one, const void *other) {
    float a = *(const float *)one, b = *(const float *)other;
    return (a > b) - (a < b);
}

int main(int argc, char **argv) {
    if (argc != 6) { fprintf(stderr, "usage: load PORT CONNECTIONS SECONDS RATE REQUEST_FILE\n"); return 2; }
    port = atoi(argv[1]);
    int connections = atoi(argv[2]);
    double seconds = atof(argv[3]), rate = atof(argv[4]);
    struct rlimit files = {60000, 60000};
    setrlimit(RLIMIT_NOFILE, &files);
    int file = open(argv[5], O_RDONLY);
    struct stat about;
    if (file < 0 || fstat(file, &about)) { perror("load: request file"); return 1; }
    request = malloc(about.st_size);
    request_size = read(file, request, about.st_size);
    samples = malloc(MAX_SAMPLES * sizeof *samples);
    clients = calloc(connections, sizeof *clients);
    epoll_fd = epoll_create1(0);
    for (int at = 0; at < connections; at++) open_client(&clients[at]);
    double start_s = now_s(), end_s = start_s + seconds, next_due_s = start_s;
    counting_from_s = start_s + seconds / 5;
    struct epoll_event ready[MAX_READY];
    int next = 0;
    while (now_s() < end_s) {
        if (rate == 0) {
            for (int at = 0; at < connections; at++)
                if (!clients[at].busy) ask(&clients[at], now_s());
        } else {
            for (int tried = 0; next_due_s <= now_s() && tried < connections; tried++, next = (next + 1) % connections)
                if (!clients[next].busy) { ask(&clients[next], next_due_s); next_due_s += 1 / rate; }
        }
        int count = epoll_wait(epoll_fd, ready, MAX_READY, 1);
        for (int at = 0; at < count; at++) read_from(ready[at].data.ptr);
    }
    for (int at = 0; at < connections; at++) held += clients[at].busy;
    qsort(samples, sample_count, sizeof *samples, by_value);
    double counted_s = end_s - counting_from_s;
    double p50 = sample_count ? samples[sample_count / 2] * 1e6 : 0, p99 = sample_count ? samples[sample_count * 99 / 100] * 1e6 : 0;
    printf("{\"requests\":%ld,\"requests_per_s\":%.0f,\"events\":%ld,\"errors\":%ld,\"held\":%ld,\"p50_us\":%.0f,\"p99_us\":%.0f,\"counted_s\":%.3f}\n",
           requests, requests / counted_s, events, errors, held, p50, p99, counted_s);
    return 0;
}
