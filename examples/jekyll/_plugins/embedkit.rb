# Getty Images pictures in what Jekyll writes, through embedkit's service: EMBEDS_URL and EMBEDS_TOKEN of the
# environment, or `embedkit: {url: …, target: …, strict: …, patience: …}` of _config.yml.
#
# All finished pages of a build go together, a hundred texts in one request. That is after kramdown, which would
# print the markup of a picture in a sentence as text. Where the service asks to wait, the plugin waits, and asks
# again for those pages alone; Jekyll writes a page only after that. A build that can't wait so long fails.
require "json"
require "net/http"

module EmbedKit
  MAX_TEXTS = 100 # in a request
  MAX_BYTES = 1_500_000 # of a request's texts; the service takes 2 MiB
  TIMEOUT = 300 # seconds, of a request: a hundred pictures may be fetched for it
  FAILED = 2 # seconds before a service that can't be reached is asked again
  MENTIONS = /getty|gty\.im/i # what can be a reference to a picture

  class Service
    def initialize(options)
      url = options["url"]
      raise "embedkit: set EMBEDS_URL to the URL of the service." unless url
      @render = URI("#{url.chomp('/')}/v1/render")
      @token = ENV["EMBEDS_TOKEN"]
      @target = options["target"]
      @patience = options.fetch("patience", 300) # seconds without a finished text
    end

    # The answers to texts of HTML, by text; raises where one of them can't be had.
    def render(texts)
      found = {}
      waiting = texts.uniq
      finished = now
      until waiting.empty?
        batch = take(waiting)
        again, later, wait = ask(batch, found)
        finished = now if later.size < batch.size
        waiting = again + waiting.drop(batch.size) + later
        why = @fault || "embedkit's service asks to wait for #{wait} seconds more."
        raise why if now + wait > finished + @patience
        sleep wait if waiting.size == later.size
      end
      found
    end

    private

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    def take(waiting)
      bytes = 0
      batch = waiting.first(MAX_TEXTS).take_while { |text| (bytes += text.to_json.bytesize) <= MAX_BYTES }
      batch.empty? ? waiting.first(1) : batch
    end

    # Keep what is done; the others go into the next request, or not before so many seconds have passed.
    def ask(batch, found)
      answers, wait = post(batch)
      return [], batch, wait unless answers
      pairs = batch.zip(answers)
      again, pairs = pairs.partition { |_, answer| answer.dig("error", "code") == "too-large" && answer != answers[0] }
      later, done = pairs.partition { |_, answer| seconds(answer).positive? }
      done.each { |text, answer| found[text] = whole(answer) }
      [again.map(&:first), later.map(&:first), later.map { |_, answer| seconds(answer) }.max || 0]
    end

    # After which another answer may be whole; 0 where this one is.
    def seconds(answer)
      (answer["problems"] || []).map { |problem| problem["retry_after"].to_i }.max || 0
    end

    def whole(answer)
      raise "embedkit: #{answer['error']['detail']}" if answer["error"]
      answer
    end

    def post(batch)
      body = { texts: batch.map { |text| { content: text, input: "html" } }, target: @target }
      headers = { "Content-Type" => "application/json" }
      headers["Authorization"] = "Bearer #{@token}" if @token
      options = { use_ssl: @render.scheme == "https", read_timeout: TIMEOUT }
      answer = Net::HTTP.start(@render.host, @render.port, **options) { |http| http.post(@render.path, body.to_json, headers) }
      @fault = nil
      return JSON.parse(answer.body)["texts"], 0 if answer.is_a?(Net::HTTPOK)
      wait = answer["Retry-After"].to_i
      return nil, [wait, FAILED].max if wait.positive? || answer.is_a?(Net::HTTPServerError)
      raise "embedkit: #{answer.body}"
    rescue SystemCallError, IOError, Timeout::Error, JSON::ParserError => error
      notice(error)
      [nil, FAILED]
    end

    # Tell at once of a service that can't be reached, once: its URL may be wrong.
    def notice(error)
      why = "embedkit's service can't be reached at #{@render} (#{error.class})."
      Jekyll.logger.warn("embedkit:", "#{why} It is tried again for #{@patience} seconds.") unless @fault
      @fault = why
    end
  end

  def self.configure(site)
    site.config["embedkit"] = { "url" => ENV["EMBEDS_URL"] }.merge(site.config["embedkit"] || {})
  end

  # Every page and post of HTML gets its pictures; problems are told, and with `strict` end the build.
  def self.finish(site)
    options = site.config["embedkit"]
    pages = (site.pages + site.docs_to_write).select { |page| page.output_ext == ".html" && page.output =~ MENTIONS }
    found = pages.empty? ? {} : Service.new(options).render(pages.map(&:output))
    problems = pages.flat_map { |page| said(page, found[page.output]["problems"]) }
    problems.each { |line| Jekyll.logger.warn("embedkit:", line) }
    raise "embedkit: #{problems.size} problems" if options["strict"] && problems.any?
    pages.each { |page| page.output = found[page.output]["content"] }
  end

  def self.said(page, problems)
    problems.map { |one| "#{page.url}:#{one['line']}:#{one['column']}: #{one['code']}: #{one['detail']}" }
  end
end

Jekyll::Hooks.register(:site, :after_init) { |site| EmbedKit.configure(site) }
Jekyll::Hooks.register(:site, :post_render) { |site| EmbedKit.finish(site) }
