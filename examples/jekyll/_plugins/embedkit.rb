# Getty Images pictures in pages built by Jekyll, with embedkit's service. Configure it with EMBEDS_URL and EMBEDS_TOKEN
# in the environment, or `embedkit: {url: …, target: …, strict: …, patience: …}` in _config.yml.
#
# All finished pages of a build are sent together, up to 100 texts per request. This happens after kramdown, which would
# print the markup of a picture in a sentence as text. If the service asks to wait, the plugin waits and sends only those
# pages again; Jekyll writes the pages after that. After too long a wait, the build fails.
require "json"
require "net/http"

module EmbedKit
  MAX_TEXTS = 100 # per request
  MAX_BYTES = 1_500_000 # of texts per request; the service accepts 2 MiB
  TIMEOUT = 300 # seconds per request, which may fetch a hundred pictures
  FAILED = 2 # seconds before a service that can't be reached is tried again
  MENTIONS = /getty|gty\.im/i # in every reference to a picture

  class Service
    def initialize(options)
      url = options["url"]
      raise "embedkit: set EMBEDS_URL to the URL of the service." unless url
      @render = URI("#{url.chomp('/')}/v1/render")
      @token = ENV["EMBEDS_TOKEN"]
      @target = options["target"]
      @patience = options.fetch("patience", 300) # seconds without a finished text
    end

    # Return the rendered texts of HTML, by text; raise an error if one of them fails.
    def render(texts)
      found = {}
      waiting = texts.uniq
      finished = now
      until waiting.empty?
        batch = take(waiting)
        again, later, wait = ask(batch, found)
        finished = now if later.size < batch.size
        waiting = again + waiting.drop(batch.size) + later
        why = @fault || "embedkit's service asks to wait another #{wait} seconds."
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

    # Save the finished texts. Return those for the next request, and those to send later, with the seconds to wait.
    def ask(batch, found)
      answers, wait = post(batch)
      return [], batch, wait unless answers
      pairs = batch.zip(answers)
      again, pairs = pairs.partition { |_, answer| answer.dig("error", "code") == "too-large" && answer != answers[0] }
      later, done = pairs.partition { |_, answer| seconds(answer).positive? }
      done.each { |text, answer| found[text] = whole(answer) }
      [again.map(&:first), later.map(&:first), later.map { |_, answer| seconds(answer) }.max || 0]
    end

    # How long to wait for a complete answer; 0 if this one is complete.
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

    # Warn at once, but only once, if the service can't be reached: its URL may be wrong.
    def notice(error)
      why = "embedkit's service can't be reached at #{@render} (#{error.class})."
      Jekyll.logger.warn("embedkit:", "#{why} Retrying for #{@patience} seconds.") unless @fault
      @fault = why
    end
  end

  def self.configure(site)
    site.config["embedkit"] = { "url" => ENV["EMBEDS_URL"] }.merge(site.config["embedkit"] || {})
  end

  # Add the pictures to all HTML pages and posts. Problems are reported; with `strict`, they fail the build.
  def self.finish(site)
    options = site.config["embedkit"]
    pages = (site.pages + site.docs_to_write).select { |page| page.output_ext == ".html" && page.output =~ MENTIONS }
    found = pages.empty? ? {} : Service.new(options).render(pages.map(&:output))
    problems = pages.flat_map { |page| messages(page, found[page.output]["problems"]) }
    problems.each { |line| Jekyll.logger.warn("embedkit:", line) }
    raise "embedkit: #{problems.size} problems" if options["strict"] && problems.any?
    pages.each { |page| page.output = found[page.output]["content"] }
  end

  def self.messages(page, problems)
    problems.map { |one| "#{page.url}:#{one['line']}:#{one['column']}: #{one['code']}: #{one['detail']}" }
  end
end

Jekyll::Hooks.register(:site, :after_init) { |site| EmbedKit.configure(site) }
Jekyll::Hooks.register(:site, :post_render) { |site| EmbedKit.finish(site) }
